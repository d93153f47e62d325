"""Activation quantizers and the learned activations of binary networks, one file each."""

from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.activations.sign import SignActivation

__all__ = ["DorefaActivation", "RPReLU", "RSign", "SignActivation"]

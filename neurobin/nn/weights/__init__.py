"""Weight quantizers, one file each: real weights in, codes and scales out, with a gradient for training."""

from neurobin.nn.weights.dorefa import DorefaWeights
from neurobin.nn.weights.fixed_point import FixedPointWeights
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer
from neurobin.nn.weights.real import RealWeights
from neurobin.nn.weights.sign import SignWeights, sign
from neurobin.nn.weights.ternary import TernaryWeights

__all__ = [
    "DorefaWeights",
    "FixedPointWeights",
    "MagnitudeAwareSign",
    "RealWeights",
    "SignWeights",
    "TernaryWeights",
    "WeightCodes",
    "WeightQuantizer",
    "sign",
]

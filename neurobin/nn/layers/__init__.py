"""Layers that torch does not have; everything else in a network is a plain torch module."""

from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.layers.xnor_conv import XnorConv2d

__all__ = ["InputNorm", "QuantConv2d", "QuantLinear", "XnorConv2d"]

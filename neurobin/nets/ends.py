"""What networks are made of: the kinds of parts a method may choose, and the real ones that torch has."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Protocol

from torch import nn

from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.fixed_point import FixedPointWeights
from neurobin.nn.weights.quantizer import WeightScheme

Activation = Callable[[int], nn.Module]  # channels -> module on [N, channels, ...]
Norm = Callable[[int], nn.Module]
Linear = Callable[[int, int], nn.Module]


class Conv(Protocol):
    """Makes a convolution without bias: `QuantConv2d` with the weights of a method, or a layer with the same arguments."""

    def __call__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0, groups: int = 1
    ) -> nn.Module: ...


def real_conv(inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0, groups: int = 1) -> nn.Module:
    """torch's convolution without bias: batch norm follows."""
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, bias=False)


def biased_conv(inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0, groups: int = 1) -> nn.Module:
    """torch's convolution with bias: no batch norm follows, or the papers have both."""
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups)


def quant_conv(weights: WeightScheme, pad_value: int = 0) -> Conv:
    """Convolutions with weights quantized by `weights`."""
    return partial(QuantConv2d, weights=weights, pad_value=pad_value)


def stem(inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0, groups: int = 1) -> nn.Module:
    """The first convolution where papers leave it real: trained with the 8-bit weights that it is deployed with."""
    eight_bits = FixedPointWeights(8)
    return QuantConv2d(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, weights=eight_bits)


def real_linear(inputs: int, outputs: int) -> nn.Module:
    """torch's dense layer with bias: its outputs are the logits."""
    return nn.Linear(inputs, outputs)


def normed_linear(inputs: int, outputs: int) -> nn.Module:
    """torch's dense layer behind batch norm."""
    return nn.Sequential(OrderedDict(norm=nn.BatchNorm1d(inputs), dense=nn.Linear(inputs, outputs)))


def quant_linear(weights: WeightScheme) -> Linear:
    """Quantized dense layers with batch norm behind, which turns whole-number sums into logits."""

    def make(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(QuantLinear(inputs, outputs, weights=weights), nn.BatchNorm1d(outputs))

    return make


def norm2d(channels: int) -> nn.Module:
    """torch's batch norm."""
    return nn.BatchNorm2d(channels)


def relu(channels: int) -> nn.Module:
    """The real activation."""
    return nn.ReLU()


def nothing(channels: int) -> nn.Module:
    """No activation, for convolutions that binarize their input themselves."""
    return nn.Identity()

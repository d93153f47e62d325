"""Factories of the layers at both ends of a network: real ones (torch's own) and quantized ones."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from neurobin.nn import FixedPointWeights, QuantConv2d, QuantLinear, WeightQuantizer


def real_conv(inputs: int, outputs: int, kernel: int, *, padding: int, groups: int) -> nn.Module:
    """torch's convolution without bias: batch norm follows."""
    return nn.Conv2d(inputs, outputs, kernel, padding=padding, groups=groups, bias=False)


def stem(channels: int, outputs: int) -> nn.Module:
    """The first convolution where papers leave it real: 3x3, trained with the 8-bit weights that it is deployed with."""
    return QuantConv2d(channels, outputs, 3, padding=1, weight_quantizer=FixedPointWeights(8))


def real_linear(inputs: int, outputs: int) -> nn.Module:
    """torch's dense layer with bias: its outputs are the logits."""
    return nn.Linear(inputs, outputs)


def quant_conv(quantizer: WeightQuantizer, pad_value: int = 0) -> Callable[..., nn.Module]:
    """A factory of convolutions with weights quantized by `quantizer`."""

    def make(inputs: int, outputs: int, kernel: int, *, padding: int, groups: int) -> nn.Module:
        return QuantConv2d(
            inputs, outputs, kernel, padding=padding, pad_value=pad_value, groups=groups, weight_quantizer=quantizer
        )

    return make


def quant_linear(quantizer: WeightQuantizer) -> Callable[[int, int], nn.Module]:
    """A factory of quantized dense layers with batch norm behind, which turns whole-number sums into logits."""

    def make(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(QuantLinear(inputs, outputs, weight_quantizer=quantizer), nn.BatchNorm1d(outputs))

    return make

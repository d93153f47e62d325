"""Multilayer perceptrons: image -> flat pixels -> [activation] -> (dense -> BN -> activation) x n -> dense to classes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from torch import nn

from neurobin.nets.ends import Activation, Linear, quant_linear
from neurobin.nets.task import Task
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.weights.quantizer import WeightScheme


@dataclass(frozen=True)
class Mlp:
    """[N, C, H, W] raw pixels -> logits [N, classes]. `first` binarizes the pixels, where a paper does.

    The last layer is quantized with batch norm behind, unless `last` makes another one.
    """

    topology: ClassVar[str] = "dense"
    widths: tuple[int, ...]
    weights: WeightScheme
    activation: Activation
    first: Activation | None = None
    last: Linear | None = None

    def __call__(self, task: Task) -> nn.Module:
        features = prod((task.height, task.width, task.channels))
        parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels), flatten=nn.Flatten())
        if self.first is not None:
            parts["bits"] = self.first(features)
        hidden = quant_linear(self.weights)
        for number, width in enumerate(self.widths, 1):
            parts[f"hidden{number}"] = hidden(features, width)
            parts[f"act{number}"] = self.activation(width)
            features = width
        parts["dense"] = (self.last or hidden)(features, task.classes)
        return nn.Sequential(parts)

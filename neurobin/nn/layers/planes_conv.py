"""Convolution of an activation's bit planes, each with a real scale: y = sum_n scale_n conv(plane_n(x)).

ABC-Net (Lin et al. 2017, arXiv 1711.11294, eq. 9) and HORQ (Li et al. 2017, arXiv 1708.08687, eq. 11) compute so. A rule for
planes decides what they are: thresholds and scales learned (`shifted_planes`), or the residuals of the input with scales
that depend on it (`residual_planes`). With weights of M bases and N planes the graph has M x N convolutions of bits.

Planes with free scales belong here; scales on a common grid of whole numbers are one activation code of several bits
(`neurobin.nn.activations`), and need no layer of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Protocol

from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.quantizer import WeightScheme
from neurobin.ops.add import Add

Scaling = Callable[[str], str]  # writes the product of a tensor and a plane's scale, gives its name


class Planes(Protocol):
    """A torch module that splits [N, C, H, W] into planes of -1 and +1."""

    def __call__(self, x: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
        """(plane, scale) pairs; scales are numbers or [N, 1, 1, 1]."""

    def emit(self, b: Builder, x: str) -> Sequence[tuple[str, Scaling]]:
        """The planes' tensors, and how to scale what is computed from each."""


class PlanesConv2d(nn.Module):
    """Real [N, C, H, W] -> real [N, O, OH, OW], no bias; `planes` makes the rule from the number of channels."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        planes: Callable[[int], Planes],
        weights: WeightScheme = MagnitudeAwareSign(),
        stride: int = 1,
        padding: int = 0,
        pad_value: int = 0,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.planes = planes(inputs)
        self.conv = QuantConv2d(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=padding,
            pad_value=pad_value,
            groups=groups,
            weights=weights,
        )

    def forward(self, x: Tensor) -> Tensor:
        first, *others = (self.conv(plane) * scale for plane, scale in self.planes(x))
        return sum(others, start=first)

    def emit(self, b: Builder, *inputs: str) -> str:
        parts = [scaled(self.conv.emit(b, plane)) for plane, scaled in self.planes.emit(b, *inputs)]
        return reduce(lambda left, right: b.add(Add(), left, right), parts)

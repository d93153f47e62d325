"""Weights that become quantized on the way: a whole layer at once, or its filters in growing groups.

`After` leaves a layer real until a share of the training is done: two-stage training, and layer-wise priority where each
layer has a start of its own (Wang et al. 2017, arXiv 1709.04344, deepest layer first).

`GroupShare` is stochastic quantization (Dong et al. 2017, arXiv 1708.01001): a share of the filters of a layer is quantized,
50 %, 75 %, 87.5 % and at last all of them, each for an equal part of the training; the others compute with their real
weights. The paper draws filters with a probability that falls with their error |w - q|_1 / |w|_1 (sec. 3); here the choice
is the deterministic one, the filters of the smallest error, made anew at every step.

What is deployed is quantized in full in either case.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer, WeightScheme


@dataclass(frozen=True)
class After:
    """Real weights before progress `start`, those of `scheme` from then on; the scheme sees the progress as it is."""

    start: float
    scheme: WeightScheme

    def __post_init__(self) -> None:
        if not 0 <= self.start <= 1:
            raise UsageError(f"quantization starts at a share of the training in [0, 1], got {self.start:g}")

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        return AfterQuantizer(self.start, self.scheme.bind(weight))


class AfterQuantizer(nn.Module):
    """One layer's weights, real at first."""

    def __init__(self, start: float, quantizer: WeightQuantizer) -> None:
        super().__init__()
        self.start, self.quantizer = start, quantizer

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return weight if progress < self.start else self.quantizer(weight, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return self.quantizer.terms(weight)

    def extra_repr(self) -> str:
        return f"start={self.start:g}, {self.quantizer!r}"


@dataclass(frozen=True)
class GroupShare:
    """`scheme` on a share of the filters, `shares` one after the other; the last share is 1."""

    scheme: WeightScheme
    shares: tuple[float, ...] = (0.5, 0.75, 0.875, 1.0)

    def __post_init__(self) -> None:
        if not self.shares or list(self.shares) != sorted(self.shares) or self.shares[0] < 0 or self.shares[-1] != 1:
            raise UsageError(f"shares grow from 0 or more and end with 1, got {self.shares}", hint="(0.5, 0.75, 0.875, 1)")

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        return GroupShareQuantizer(self.shares, self.scheme.bind(weight))


class GroupShareQuantizer(nn.Module):
    """One layer's filters, the well-quantizable first. Rounds shares of filters up."""

    def __init__(self, shares: tuple[float, ...], quantizer: WeightQuantizer) -> None:
        super().__init__()
        self.shares, self.quantizer = shares, quantizer

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        quantized = self.quantizer(weight, progress)
        part = min(int(progress * len(self.shares)), len(self.shares) - 1)
        count = math.ceil(self.shares[part] * len(weight))
        if count == len(weight):
            return quantized
        chosen = torch.zeros(len(weight), dtype=torch.bool, device=weight.device)
        chosen[_errors(weight.detach(), quantized.detach()).argsort(stable=True)[:count]] = True
        return torch.where(chosen.view(-1, *[1] * (weight.dim() - 1)), quantized, weight)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return self.quantizer.terms(weight)

    def extra_repr(self) -> str:
        return f"shares={self.shares}, {self.quantizer!r}"


def _errors(weight: Tensor, quantized: Tensor) -> Tensor:
    """|w - q|_1 / |w|_1 per filter [O]; infinite or 0 for a filter of zeros, by whether q is."""
    distance, size = (weight - quantized).abs().flatten(1).sum(1), weight.abs().flatten(1).sum(1)
    return torch.where(distance > 0, distance / size, torch.zeros_like(distance))

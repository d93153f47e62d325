"""Stochastic quantization (Dong et al. 2017, arXiv 1708.01001): a growing share of a layer's filters is quantized.

q(w) = the scheme's value for the chosen filters and w for the others. Chosen are 50 %, 75 %, 87.5 % and at last all filters,
each for an equal part of the training. The paper draws them with a probability that falls with their error
|w - q|_1 / |w|_1 (sec. 3); here the choice is the deterministic one, the filters of the smallest error, made anew at every
step. What is deployed is quantized in full.

Gradient: the scheme's own for the chosen filters, 1 for the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.nn.channels import per_filter
from neurobin.nn.printed import listed
from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer, WeightScheme
from neurobin.nn.weights.shares import SHARES, check_shares


@dataclass(frozen=True)
class GroupShare:
    """`scheme` on a share of the filters, `shares` one after the other; the last share is 1."""

    scheme: WeightScheme
    shares: tuple[float, ...] = SHARES

    def __post_init__(self) -> None:
        check_shares(self.shares)

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
        return torch.where(per_filter(chosen, weight), quantized, weight)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return self.quantizer.terms(weight)

    def extra_repr(self) -> str:
        return listed(f"shares={self.shares}", self.quantizer)


def _errors(weight: Tensor, quantized: Tensor) -> Tensor:
    """|w - q|_1 / |w|_1 per filter [O]; infinite or 0 for a filter of zeros, by whether q is."""
    distance, size = (weight - quantized).abs().flatten(1).sum(1), weight.abs().flatten(1).sum(1)
    return torch.where(distance > 0, distance / size, torch.zeros_like(distance))

"""Trained ternary quantization (Zhu et al. 2016, arXiv 1612.01064, eqs. 6 to 8).

q(w) = +W_p where w > delta, -W_n where w < -delta, else 0, with delta = 0.05 max |w| over the layer and W_p, W_n learned.

Gradient: dL/dW_p = the sum of dL/dq over the weights at +W_p, dL/dW_n = minus the sum over those at -W_n (eq. 7 leaves the
minus to the reader), and dL/dw = dL/dq times W_p, 1 or W_n, by the value that w has taken.

Two scales are no multiple of one ternary code, so the weight is two terms: W_p [w > delta] and -W_n [w < -delta], each with
codes 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import BINARY
from neurobin.nn.estimators import STRAIGHT_THROUGH, substitute
from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer


@dataclass(frozen=True)
class TrainedTernary:
    """Two learned scales per layer; `threshold` is the paper's t = 0.05."""

    threshold: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < 1:
            raise UsageError(f"the threshold is a share of the largest weight in [0, 1), got {self.threshold:g}")

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        return TrainedTernaryQuantizer(weight, self.threshold)


class TrainedTernaryQuantizer(nn.Module):
    """The scales of one layer. They start at the mean |w| of the weights they stand for, the least-squares choice."""

    def __init__(self, weight: Tensor, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        magnitude = weight.detach().abs()
        means = [(magnitude * kept).sum() / kept.sum().clamp(min=1) for kept in self._kept(weight.detach())]
        self.positive, self.negative = (nn.Parameter(mean.view(1)) for mean in means)

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        above, below = self._kept(weight.detach())
        value = above * self.positive + below * -self.negative
        factor = above * self.positive.detach() + below * self.negative.detach() + (1 - above - below)
        return value + substitute(weight * factor, torch.zeros_like(weight), STRAIGHT_THROUGH, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        above, below = self._kept(weight)
        return WeightCodes(above, self.positive, BINARY), WeightCodes(below, -self.negative, BINARY)

    def _kept(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Where w > delta and where w < -delta, as 0 and 1."""
        delta = self.threshold * weight.abs().max()
        return (weight > delta).to(weight.dtype), (weight < -delta).to(weight.dtype)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}"

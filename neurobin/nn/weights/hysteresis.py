"""Trinary weights with hysteresis of Eedn (Esser et al. 2016, arXiv 1603.08270, eq. 2), for TrueNorth's axon pairs.

The hidden weight w in [-1, 1] gives the code

    q(w) = +1 if w >= 0.5 + h,   0 if |w| <= 0.5 - h,   -1 if w <= -0.5 - h,   else it stays what it was.

h is 0.1 unless told otherwise; with it a weight near a border does not flutter. `ClipLatent(1.0)` keeps w in its interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import TERNARY
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.printed import arguments
from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer

BORDER = 0.5


@dataclass(frozen=True)
class HysteresisTernary:
    """Codes -1, 0, +1 without scale; `hysteresis` is h."""

    hysteresis: float = 0.1
    estimator: Estimator = CLIPPED

    def __post_init__(self) -> None:
        if not 0 <= self.hysteresis < BORDER:
            raise UsageError(f"the hysteresis must lie in [0, 0.5), got {self.hysteresis:g}", hint="0.1")

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        """Draws the weight anew, uniform in [-1, 1]: between fixed borders the usual small weights would all be 0."""
        nn.init.uniform_(weight, -1, 1)
        return HysteresisQuantizer(weight, self)


class HysteresisQuantizer(nn.Module):
    """The codes of one layer as they were at the last training step, without hysteresis before the first."""

    codes: Tensor

    def __init__(self, weight: Tensor, scheme: HysteresisTernary) -> None:
        super().__init__()
        self.scheme = scheme
        self.register_buffer("codes", weight.detach().sign() * (weight.detach().abs() >= BORDER))

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        codes = self._next(weight.detach())
        if self.training:
            self.codes.copy_(codes)
        return substitute(weight, codes, self.scheme.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return (WeightCodes(self._next(weight.detach()), weight.new_ones(1), TERNARY),)

    def _next(self, weight: Tensor) -> Tensor:
        """Idempotent: a weight that does not move keeps the code it has just been given."""
        h = self.scheme.hysteresis
        settled = (weight.abs() <= BORDER - h) | (weight.abs() >= BORDER + h)
        nearest = weight.sign() * (weight.abs() >= BORDER + h)
        return torch.where(settled, nearest, self.codes)

    def extra_repr(self) -> str:
        return arguments(self.scheme)

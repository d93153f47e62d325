"""Symmetric k-bit weights with one scale per filter: the form in which real layers at the ends of a network are deployed.

q(w) = s round(w / s), s = max |w| of the filter / (2^(k-1) - 1), rounding half to even (Jacob et al. 2018, arXiv 1712.05877,
sec. 3, without zero point). A first layer trained so is deployed without further rounding, so no sign behind it flips.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurobin.errors import UsageError
from neurobin.ir import DType, Encoding
from neurobin.nn.channels import per_filter
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.weights.quantizer import Stateless, WeightCodes, total


@dataclass(frozen=True)
class FixedPointWeights(Stateless):
    """Whole numbers of `bits` bits times a scale per filter; the scale is constant in the backward pass."""

    bits: int = 8
    estimator: Estimator = STRAIGHT_THROUGH

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            raise UsageError(f"fixed-point weights have 2 to 16 bits, got {self.bits}")

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return substitute(weight, total(self.terms(weight.detach())), self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        widest = weight.abs().flatten(1).amax(1)
        scale = torch.where(widest > 0, widest, torch.ones_like(widest)) / (2 ** (self.bits - 1) - 1)
        codes = torch.round(weight / per_filter(scale, weight))
        return (WeightCodes(codes, scale, DType(Encoding.SIGNED, self.bits)),)

"""WRPN weights of k >= 2 bits (Mishra et al. 2017, arXiv 1709.01134, eq. 2), k counted with the sign.

q(w) = round((2^(k-1) - 1) clip(w, -1, 1)) / (2^(k-1) - 1), rounding half to even: -1, 0, +1 for k = 2.

Gradient: that of the clip, 1 for |w| <= 1 and 0 elsewhere, times the estimator's for the rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import TERNARY, DType, Encoding
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer, total


@dataclass(frozen=True)
class WrpnWeights:
    """Whole numbers over 2^(bits-1) - 1, on a grid that does not depend on the weights."""

    bits: int
    estimator: Estimator = STRAIGHT_THROUGH

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise UsageError(f"WRPN weights have 2 to 8 bits here, got {self.bits}", hint="LayerSign for 1 bit")

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        """Draws the weight anew, uniform in [-1, 1]: on a fixed grid the usual small weights would all be 0."""
        nn.init.uniform_(weight, -1, 1)
        return self

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        clipped = torch.clamp(weight, -1, 1)
        return substitute(clipped, total(self.terms(weight.detach())), self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        steps = 2 ** (self.bits - 1) - 1
        dtype = TERNARY if self.bits == 2 else DType(Encoding.SIGNED, self.bits)
        return (WeightCodes(torch.round(steps * torch.clamp(weight, -1, 1)), weight.new_full((1,), 1 / steps), dtype),)

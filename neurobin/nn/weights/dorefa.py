"""DoReFa-Net weights of k >= 2 bits (Zhou et al. 2016, arXiv 1606.06160, eq. 9).

q(w) = 2 q_k(tanh(w) / (2 max |tanh(w)|) + 1/2) - 1 with q_k(x) = round((2^k - 1) x) / (2^k - 1), so that
q(w) = (2 n - (2^k - 1)) / (2^k - 1) for a whole number n in 0 ... 2^k - 1: an odd code over a constant.

Gradient: through tanh and its maximum, with the estimator for the rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurobin.errors import UsageError
from neurobin.ir import DType, Encoding
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.weights.quantizer import Stateless, WeightCodes


@dataclass(frozen=True)
class DorefaWeights(Stateless):
    """2^k levels in [-1, 1]; `estimator` bridges the rounding."""

    bits: int
    estimator: Estimator = STRAIGHT_THROUGH

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise UsageError(f"DoReFa weights have 2 to 8 bits here, got {self.bits}", hint="MagnitudeAwareSign for 1 bit")

    @property
    def steps(self) -> int:
        return 2**self.bits - 1

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        unit = _unit(weight)
        return 2 * substitute(unit, torch.round(self.steps * unit) / self.steps, self.estimator, progress) - 1

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        levels = torch.round(self.steps * _unit(weight))
        scale = weight.new_full((1,), 1 / self.steps)
        return (WeightCodes(2 * levels - self.steps, scale, DType(Encoding.BIPOLAR, self.bits)),)


def _unit(weight: Tensor) -> Tensor:
    """tanh(w) mapped to [0, 1]; the smallest positive number keeps a layer of zeros finite."""
    bounded = torch.tanh(weight)
    return bounded / (2 * bounded.abs().max().clamp(min=torch.finfo(weight.dtype).tiny)) + 0.5

"""Real weights, q(w) = w: the quantizer that changes nothing, so that one layer class serves full-precision layers as well.

Gradient: 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neurobin.ir import FLOAT32
from neurobin.nn.weights.quantizer import Stateless, WeightCodes


@dataclass(frozen=True)
class RealWeights(Stateless):
    """Weights as they are."""

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return weight

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return (WeightCodes(weight, weight.new_ones(1), FLOAT32),)

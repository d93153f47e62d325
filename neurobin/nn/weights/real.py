"""Real weights: the quantizer that changes nothing, so that one layer class serves full-precision layers as well."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neurobin.ir import FLOAT32
from neurobin.nn.weights.quantizer import WeightCodes


@dataclass(frozen=True)
class RealWeights:
    """q(w) = w."""

    def __call__(self, weight: Tensor) -> Tensor:
        return weight

    def codes(self, weight: Tensor) -> WeightCodes:
        return WeightCodes(weight, weight.new_ones(1), FLOAT32)

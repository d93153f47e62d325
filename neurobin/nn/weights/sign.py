"""BinaryConnect weights (Courbariaux et al. 2015, arXiv 1511.00363, eqs. 1 and 2): q(w) = sign(w), sign(0) = +1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurobin.ir import BIPOLAR
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import Stateless, WeightCodes


@dataclass(frozen=True)
class SignWeights(Stateless):
    """q(w) = sign(w).

    With `stochastic`, training draws +1 with probability clip((w + 1) / 2, 0, 1); inference always takes the sign, as
    does training once its progress is 1.
    """

    estimator: Estimator = CLIPPED
    stochastic: bool = False

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        if not self.stochastic or progress >= 1:
            return substitute(weight, sign(weight), self.estimator, progress)
        chance = torch.clamp((weight.detach() + 1) / 2, 0, 1)
        return substitute(weight, 2 * torch.bernoulli(chance) - 1, self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return (WeightCodes(sign(weight), weight.new_ones(1), BIPOLAR),)

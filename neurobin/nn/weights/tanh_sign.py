"""Self-binarizing weights (Lahoud et al. 2019, arXiv 1902.00730, sec. 3.1): q(w) = tanh(nu w), which becomes sign(w).

nu grows geometrically from 1 to 1000 while the network trains; at progress 1 the weight is the sign.

Gradient: the true one, nu (1 - tanh(nu w)^2), of every value on the way; the sign takes the last slope.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurobin.ir import BIPOLAR
from neurobin.nn.annealed import geometric, sharpening_tanh
from neurobin.nn.estimators import substitute
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import Stateless, WeightCodes


@dataclass(frozen=True)
class TanhSignWeights(Stateless):
    """Real values that sharpen in training, signs at inference; `first` and `last` are nu at progress 0 and 1."""

    first: float = 1.0
    last: float = 1000.0

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        if progress >= 1:
            return substitute(weight, sign(weight), sharpening_tanh(self.first, self.last), progress)
        return torch.tanh(geometric(self.first, self.last, progress) * weight)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return (WeightCodes(sign(weight), weight.new_ones(1), BIPOLAR),)

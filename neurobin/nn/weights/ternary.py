"""Ternary weight networks (Li et al. 2016, arXiv 1605.04711, eqs. 3 to 6).

q(w) = alpha * t(w), t(w) = +1 if w > delta, -1 if w < -delta, else 0; delta = 0.7 mean |w| and alpha = the mean of |w|
over the weights that stay, both over the layer.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neurobin.ir import TERNARY
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.weights.quantizer import Stateless, WeightCodes, total


@dataclass(frozen=True)
class TernaryWeights(Stateless):
    """alpha * {-1, 0, +1} per layer; `threshold` is the factor 0.7 of the paper. A layer of zeros has alpha = 0."""

    estimator: Estimator = CLIPPED
    threshold: float = 0.7

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return substitute(weight, total(self.terms(weight.detach())), self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        magnitude = weight.abs()
        kept = (magnitude > self.threshold * magnitude.mean()).to(weight.dtype)
        alpha = (magnitude * kept).sum() / kept.sum().clamp(min=1)
        return (WeightCodes(weight.sign() * kept, alpha.view(1), TERNARY),)

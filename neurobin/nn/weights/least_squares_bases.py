"""Weights of two bases at the least squared error there is (Pouransari et al. 2020, arXiv 2001.02786, sec. 3).

q(w) = v1 B1 + v2 B2 with v1 >= v2 >= 0 gives |w| the two values v1 - v2 and v1 + v2, so the best bases are the best two
clusters of the magnitudes. Clusters of numbers are contiguous: with |w| sorted, every split into the j smallest and the
rest is tried, and the best has the largest j L^2 + (n - j) R^2, L and R the means of the two sides. Then

    v1 = (L + R) / 2,  v2 = (R - L) / 2,  B1 = sign(w),  B2 = B1 sign(|w| - v1)

The paper lists only the splits that meet a necessary condition on v1; trying all of them gives the same optimum. With
v1 = v2 = v the values are -2v, 0 and +2v, a ternary weight: the j smallest become 0, and the best split has the largest
(n - j) R^2, v = R / 2.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neurobin.ir import BIPOLAR, TERNARY
from neurobin.nn.bases import best_kept, two_clusters
from neurobin.nn.channels import per_filter
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import Stateless, WeightCodes, total


@dataclass(frozen=True)
class LeastSquaresBases(Stateless):
    """The best v1 B1 + v2 B2 of each filter; scales and signs are constant in the backward pass."""

    estimator: Estimator = CLIPPED

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return substitute(weight, total(self.terms(weight.detach())), self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        low, high = two_clusters(weight.abs().flatten(1))
        v1, v2 = (low + high) / 2, ((high - low) / 2).clamp(min=0)
        first = sign(weight)
        second = first * sign(weight.abs() - per_filter(v1, weight))
        return WeightCodes(first, v1, BIPOLAR), WeightCodes(second, v2, BIPOLAR)


@dataclass(frozen=True)
class LeastSquaresTernary(Stateless):
    """The best scale * {-1, 0, +1} of each filter; a filter of zeros has scale 0."""

    estimator: Estimator = CLIPPED

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return substitute(weight, total(self.terms(weight.detach())), self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        magnitude = weight.abs()
        scale = best_kept(magnitude.flatten(1))
        kept = magnitude >= per_filter(scale, weight) / 2
        return (WeightCodes(weight.sign() * kept, scale, TERNARY),)

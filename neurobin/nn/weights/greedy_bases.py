"""Greedy binary bases (Guo et al. 2017, Network Sketching, arXiv 1706.02021): each base takes what the last ones left.

    r_1 = w,  B_m = sign(r_m),  v_m = mean |r_m|,  r_(m+1) = r_m - v_m B_m

over each filter; v_m is the least-squares scale of B_m for the rest r_m. Pouransari et al. (2020, arXiv 2001.02786) compare
it with the exact optimum of `least_squares_bases`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import Stateless, WeightCodes, total


@dataclass(frozen=True)
class GreedyBases(Stateless):
    """sum_m v_m B_m with `bases` terms per filter; scales and signs are constant in the backward pass."""

    bases: int = 2
    estimator: Estimator = CLIPPED

    def __post_init__(self) -> None:
        if not 1 <= self.bases <= 8:
            raise UsageError(f"greedy weights have 1 to 8 bases here, got {self.bases}")

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return substitute(weight, total(self.terms(weight.detach())), self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        rest, found = weight, []
        for _ in range(self.bases):
            term = WeightCodes(sign(rest), rest.abs().flatten(1).mean(1), BIPOLAR)
            found.append(term)
            rest = rest - term.values
        return tuple(found)

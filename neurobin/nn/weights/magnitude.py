"""Magnitude-aware sign: q(w) = alpha * sign(w), alpha = mean |w| over each filter, the least-squares scale.

Gradient: with `scale_gradient` it runs through alpha as well, as in XNOR-Net (Rastegari et al. 2016, arXiv 1603.05279,
eq. 6): dL/dw_i = sign(w_i) / n * sum_j(dL/dq_j sign(w_j)) + dL/dq_i alpha s'(w_i), s' being the estimator. Bi-Real Net (Liu
et al. 2018, arXiv 1808.00278, sec. 3.3) keeps alpha constant in the backward pass, so only the second term remains.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neurobin.ir import BIPOLAR
from neurobin.nn.channels import per_filter
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import Stateless, WeightCodes


@dataclass(frozen=True)
class MagnitudeAwareSign(Stateless):
    """alpha * sign(w) per filter; `scale_gradient` lets the gradient reach alpha (XNOR-Net) or not (Bi-Real)."""

    estimator: Estimator = CLIPPED
    scale_gradient: bool = True

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        alpha = _alpha(weight) if self.scale_gradient else _alpha(weight).detach()
        return per_filter(alpha, weight) * substitute(weight, sign(weight), self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return (WeightCodes(sign(weight), _alpha(weight), BIPOLAR),)


def _alpha(weight: Tensor) -> Tensor:
    return weight.abs().flatten(1).mean(1)

"""DoReFa-Net weights of one bit (Zhou et al. 2016, arXiv 1606.06160, eq. 7): q(w) = E sign(w), E = mean |w| of the layer.

Gradient: dL/dw = dL/dq s'(w), s' being the estimator: the paper scales w by 1 / E before the sign and by E behind it, so E
drops out; it is constant in the backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neurobin.ir import BIPOLAR
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import Stateless, WeightCodes, total


@dataclass(frozen=True)
class LayerSign(Stateless):
    """One scale for the whole layer."""

    estimator: Estimator = STRAIGHT_THROUGH

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return substitute(weight, total(self.terms(weight.detach())), self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return (WeightCodes(sign(weight), weight.abs().mean().view(1), BIPOLAR),)

"""Loss-aware binarization (Hou et al. 2016, arXiv 1611.01600, prop. 3.1): the scale that the loss, not the weight, asks for.

With D the diagonal of the loss's curvature, q(w) = alpha sign(w) with alpha = |D o w|_1 / |D|_1 over the layer minimises the
second-order model of the loss. The paper takes D = sqrt(v) + 1e-8 from Adam's second moment v; the quantizer holds D in its
buffer `curvature`, which a technique fills, and until then D = 1 and alpha = mean |w|.

Gradient: straight through, as the proximal step moves w by the gradient at q(w), unless another estimator is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.ir import BIPOLAR
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer, total


@dataclass(frozen=True)
class LossAwareSign:
    """One scale per layer, weighted by the curvature."""

    estimator: Estimator = STRAIGHT_THROUGH

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        return LossAwareQuantizer(weight, self.estimator)


class LossAwareQuantizer(nn.Module):
    """`curvature` is D > 0, in the shape of the weight; a common factor of it does not matter."""

    curvature: Tensor

    def __init__(self, weight: Tensor, estimator: Estimator) -> None:
        super().__init__()
        self.estimator = estimator
        self.register_buffer("curvature", torch.ones_like(weight.detach()))

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return substitute(weight, total(self.terms(weight.detach())), self.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        alpha = (self.curvature * weight.abs()).sum() / self.curvature.sum()
        return (WeightCodes(sign(weight), alpha.view(1), BIPOLAR),)

    def extra_repr(self) -> str:
        return f"estimator={self.estimator}"

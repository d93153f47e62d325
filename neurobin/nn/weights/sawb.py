"""Statistics-aware weight binning of PACT (Choi et al. 2018, arXiv 1807.06964, sec. 3): k uniform bits between -a and a.

a = c1 sqrt(mean w^2) - c2 mean |w| over the layer, a fit to the clip with the least squared error for weights of several
distributions; q(w) = a (2 n - S) / S with n = round(S (clip(w, -a, a) / a + 1) / 2), S = 2^k - 1, rounding half to even:
an odd code over a constant.

Gradient: the estimator's, taken at w / a; a is constant in the backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from neurobin.errors import UsageError
from neurobin.ir import DType, Encoding
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.weights.quantizer import Stateless, WeightCodes, total

# (c1, c2) by bits, as foundation-model-stack/fms-model-optimizer has them in fms_mo/quant/quantizers.py
COEFFICIENTS = {2: (3.12, 2.064), 3: (7.509, 6.892), 4: (12.68, 12.80), 5: (17.74, 18.64)}


@dataclass(frozen=True)
class SawbWeights(Stateless):
    """2^k levels from -a to a; `estimator` is taken at w / a."""

    bits: int
    estimator: Estimator = STRAIGHT_THROUGH

    def __post_init__(self) -> None:
        if self.bits not in COEFFICIENTS:
            raise UsageError(f"SAWB has coefficients for 2 to 5 bits, got {self.bits}", hint="LayerSign for 1 bit")

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        latent = weight.detach()
        clip, slope = self._clip(latent), self.estimator.derivative
        at_clip = replace(self.estimator, derivative=lambda x, share: slope(x / clip, share), product=None)
        return substitute(weight, total(self.terms(latent)), at_clip, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        steps, clip = 2**self.bits - 1, self._clip(weight)
        levels = torch.round(steps * (torch.clamp(weight / clip, -1, 1) + 1) / 2)
        return (WeightCodes(2 * levels - steps, (clip / steps).view(1), DType(Encoding.BIPOLAR, self.bits)),)

    def _clip(self, weight: Tensor) -> Tensor:
        """a; the largest |w| where the fit is not positive, as for weights of one magnitude; 1 for a layer of zeros."""
        first, second = COEFFICIENTS[self.bits]
        magnitude = weight.abs()
        fitted = first * weight.square().mean().sqrt() - second * magnitude.mean()
        clip = torch.where(fitted > 0, fitted, magnitude.max())
        return torch.where(clip > 0, clip, torch.ones_like(clip))

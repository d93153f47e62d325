"""ABC-Net weights (Lin et al. 2017, arXiv 1711.11294, eqs. 2 to 6): M binary bases from shifted signs.

    B_m = sign(w - mean(w) + u_m std(w)),  u_m = -1 + 2 (m - 1) / (M - 1), and u = 0 for M = 1,
    q(w) = sum_m alpha_m B_m,  alpha = argmin ||w - sum_m alpha_m B_m||^2

with mean, standard deviation and alpha over the layer.

Gradient: dL/dw = sum_m alpha_m dL/dq s'(w) with s' the estimator; alpha, mean and std are constants.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR
from neurobin.nn.bases import least_squares
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import Stateless, WeightCodes


@dataclass(frozen=True)
class ShiftedBases(Stateless):
    """sum_m alpha_m B_m with `bases` terms; a base of negative alpha is deployed with all its signs turned."""

    bases: int = 3
    estimator: Estimator = STRAIGHT_THROUGH

    def __post_init__(self) -> None:
        if not 1 <= self.bases <= 8:
            raise UsageError(f"ABC-Net weights have 1 to 8 bases here, got {self.bases}")

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        bases, alpha = self._fitted(weight.detach())
        first, *others = (
            scale * substitute(weight, base, self.estimator, progress) for base, scale in zip(bases, alpha, strict=True)
        )
        return sum(others, start=first)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        bases, alpha = self._fitted(weight)
        return tuple(
            WeightCodes(base * sign(scale), scale.abs().view(1), BIPOLAR) for base, scale in zip(bases, alpha, strict=True)
        )

    def _fitted(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Bases [M, *shape of the weight] and their scales [M]."""
        centred = weight - weight.mean()
        spread = weight.std(correction=0)
        shifts = torch.linspace(-1, 1, self.bases).tolist() if self.bases > 1 else [0.0]
        bases = torch.stack([sign(centred + shift * spread) for shift in shifts])
        return bases, least_squares(bases.flatten(1)[None], weight.flatten()[None])[0].to(weight.dtype)

"""BWNH weights (Hu et al. 2018, From Hashing to CNNs, arXiv 1802.02733): signs that keep the sums a layer computes.

q(w) = w until `fit` hashes the weights: per filter, B in {-1, +1} and alpha minimise ||X^T w - alpha X^T B||^2 over the
layer's inputs X (see `neurobin.nn.input_fit`). The latent weights restart at alpha B and go on as q(w) = alpha sign(w) with
alpha = mean |w|, which is where they are. When to fit, and on which inputs, is the technique `FitToInputs`.

Gradient: 1 while the weights are real; then through alpha and, with the estimator, through the sign.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.nn.estimators import CLIPPED, Estimator
from neurobin.nn.input_fit import fit_codes, nearest_sign
from neurobin.nn.printed import arguments
from neurobin.nn.steps import sign
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.quantizer import WeightCodes


@dataclass(frozen=True)
class HashedSign:
    """alpha * {-1, +1} per filter, fitted in at most `sweeps` rounds over all bits and then trained with `estimator`."""

    estimator: Estimator = CLIPPED
    sweeps: int = 10

    def bind(self, weight: nn.Parameter) -> HashedSignQuantizer:
        return HashedSignQuantizer(self)


class HashedSignQuantizer(nn.Module):
    """One layer's hashed weights; `fitted` says whether they are still real in training."""

    fitted: Tensor

    def __init__(self, scheme: HashedSign) -> None:
        super().__init__()
        self.scheme = scheme
        self.signs = MagnitudeAwareSign(scheme.estimator)
        self.register_buffer("fitted", torch.tensor(False))

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return self.signs(weight, progress) if self.fitted or progress >= 1 else weight

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return self.signs.terms(weight)

    def fit(self, weight: nn.Parameter, moment: Tensor) -> None:
        """Set `weight` [O, ...] to alpha B for inputs of second moment [G, n, n]."""
        latent = weight.detach().flatten(1)
        found = fit_codes(latent, moment, sign(latent), nearest_sign, self.scheme.sweeps)
        with torch.no_grad():
            weight.copy_((found.alpha[:, None] * found.codes).view_as(weight))
        self.fitted.fill_(True)

    def extra_repr(self) -> str:
        return arguments(self.scheme)

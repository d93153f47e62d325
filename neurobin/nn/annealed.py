"""Estimators that sharpen while the network trains: gradients reach every value first, and follow the sign at last."""

from __future__ import annotations

import torch
from torch import Tensor

from neurobin.nn.estimators import Estimator


def geometric(first: float, last: float, progress: float) -> float:
    """From `first` at progress 0 to `last` at progress 1, in equal factors per share of the training."""
    return float(first ** (1 - progress) * last**progress)


def error_decay(first: float = 1e-3, last: float = 10.0) -> Estimator:
    """IR-Net's error decay estimator (Qin et al. 2020, arXiv 1909.10788, eqs. 12 to 14).

    The surrogate is k tanh(t x), t geometric from `first` to `last` and k = max(1/t, 1): the identity first, sign-like in
    the end. The paper prints 0.1 as the first t; 0.001 is that of its code.
    """

    def derivative(x: Tensor, progress: float) -> Tensor:
        t = geometric(first, last, progress)
        return max(1 / t, 1.0) * t * (1 - torch.tanh(t * x).square())

    formula = f"k t (1 - tanh(t x)^2), t from {first:g} to {last:g}, k = max(1/t, 1)"
    return Estimator(f"ede_{first:g}_{last:g}", derivative, formula, "Qin et al. 2020, IR-Net, arXiv 1909.10788")


def sharpening_tanh(first: float = 1.0, last: float = 1000.0) -> Estimator:
    """The slope of tanh(nu x), nu geometric from `first` to `last` (Lahoud et al. 2019, arXiv 1902.00730)."""

    def derivative(x: Tensor, progress: float) -> Tensor:
        nu = geometric(first, last, progress)
        return nu * (1 - torch.tanh(nu * x).square())

    formula = f"nu (1 - tanh(nu x)^2), nu from {first:g} to {last:g}"
    paper = "Lahoud et al. 2019, Self-Binarizing Networks, arXiv 1902.00730"
    return Estimator(f"tanh_nu_{first:g}_{last:g}", derivative, formula, paper)


EDE = error_decay()
SHARPENING_TANH = sharpening_tanh()

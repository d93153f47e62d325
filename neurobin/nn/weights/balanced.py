"""Libra parameter binarization of IR-Net (Qin et al. 2020, arXiv 1909.10788, sec. 3.2, eqs. 8 to 10).

Each filter is standardised first, v = (w - mean w) / std w, so that its signs are balanced and carry the most information;
then q(w) = 2^s sign(v) with s = round(log2 mean |v|) per filter: a scale that costs a shift. std has n - 1 below the
fraction, as in the paper's code.

Gradient: through the standardisation, with s constant and the estimator at v.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR
from neurobin.nn.channels import per_filter
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import Stateless, WeightCodes, WeightQuantizer

LEAST_STD = 1e-5  # below, a filter counts as constant, and its gradient stays finite


@dataclass(frozen=True)
class BalancedSign(Stateless):
    """2^s sign(v) per filter; `estimator` bridges the sign and is taken at v, in units of the filter's spread."""

    estimator: Estimator = CLIPPED

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        """Raises UsageError for filters of one weight, which have no spread."""
        if weight[0].numel() < 2:
            raise UsageError(f"balanced signs need filters of 2 weights and more, got weights {tuple(weight.shape)}")
        return self

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        v = _standardised(weight)
        return substitute(v, sign(v), self.estimator, progress) * per_filter(_powers(v), weight)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        v = _standardised(weight)
        return (WeightCodes(sign(v), _powers(v), BIPOLAR),)


def _standardised(weight: Tensor) -> Tensor:
    rows = weight.flatten(1)
    centred = rows - rows.mean(1, keepdim=True)
    variance = centred.square().sum(1, keepdim=True) / (rows.shape[1] - 1)
    return (centred / variance.clamp(min=LEAST_STD**2).sqrt()).view_as(weight)


def _powers(v: Tensor) -> Tensor:
    """2^s [O]; 1 for a constant filter."""
    mean = v.detach().abs().flatten(1).mean(1)
    exponent = torch.where(mean > 0, mean, torch.ones_like(mean)).log2().round()
    return torch.ldexp(torch.ones_like(mean), exponent.to(torch.int32))

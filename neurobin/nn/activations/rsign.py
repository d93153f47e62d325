"""RSign (Liu et al. 2020, ReActNet, arXiv 2003.03488, eq. 1): y = +1 if x >= tau_c else -1, tau_c learned per channel.

Gradient: dy/dx is the estimator's, taken at x - tau, and dy/dtau = -dy/dx.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nn.channels import per_channel
from neurobin.nn.emit import real
from neurobin.nn.estimators import POLYNOMIAL, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.ops.sign import Sign


class RSign(nn.Module):
    """[N, C, ...] -> {-1, +1}. The comparison is x - tau >= 0."""

    progress = 1.0

    def __init__(self, channels: int, estimator: Estimator = POLYNOMIAL) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.zeros(channels))
        self.estimator = estimator

    def forward(self, x: Tensor) -> Tensor:
        shifted = x - per_channel(self.threshold, x)
        return substitute(shifted, sign(shifted), self.estimator, self.progress)

    def emit(self, b: Builder, *inputs: str) -> str:
        return b.add(Sign(real(self.threshold)), *inputs)

    def extra_repr(self) -> str:
        return f"estimator={self.estimator}"

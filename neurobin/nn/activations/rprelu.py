"""RPReLU (Liu et al. 2020, ReActNet, arXiv 2003.03488, eq. 2).

y = x - gamma_c + zeta_c if x > gamma_c, else beta_c (x - gamma_c) + zeta_c: a shifted PReLU, all three learned per channel.
Both branches give zeta at x = gamma, so > and >= are one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurobin.ir import Builder
from neurobin.nn.channels import per_channel
from neurobin.nn.emit import affine, real
from neurobin.ops.prelu import Prelu


class RPReLU(nn.Module):
    """[N, C, ...] -> same shape. Slopes start at 0.25, the shifts at 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(channels))
        self.slope = nn.Parameter(torch.full((channels,), 0.25))
        self.zeta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shifted = x - per_channel(self.gamma, x)
        return functional.prelu(shifted, self.slope.to(shifted.dtype)) + per_channel(self.zeta, x)

    def emit(self, b: Builder, *inputs: str) -> str:
        shifted = b.add(affine(bias=-self.gamma), *inputs)
        return b.add(affine(bias=self.zeta), b.add(Prelu(real(self.slope)), shifted))

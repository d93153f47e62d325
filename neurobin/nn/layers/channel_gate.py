"""Channels that training may close: y_c = k_c x_c with k_c = 1 while the channel is open and 0 once it is closed.

A sparsity loss pulls the gates g_c that decide towards 0, and the smallest are closed (technique `sparsity`). What is closed
is 0 in training and at inference, and the pass `drop_channels` removes it from the deployed network.

Gradient: dL/dx_c = k_c dL/dy_c, and the gate's as if it were the factor, dL/dg_c = sum(x_c dL/dy_c), so that it grows where
the channel lowers the loss.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nn.channels import per_channel
from neurobin.nn.emit import affine
from neurobin.nn.estimators import STRAIGHT_THROUGH, substitute


class ChannelGate(nn.Module):
    """[N, C, ...] -> same shape. All channels start open, with gates of 1."""

    open: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.ones(channels))
        self.register_buffer("open", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * per_channel(substitute(self.gate, self.open, STRAIGHT_THROUGH), x)

    def emit(self, b: Builder, *inputs: str) -> str:
        if bool(self.open.all()):
            return inputs[0]
        return b.add(affine(self.open), *inputs)

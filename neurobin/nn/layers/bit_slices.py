"""BoolNet's bit slices of a real map (Guo et al. 2021, arXiv 2106.06991): the same values against k thresholds.

slice_i = sign(x - t_i), t_i = i / (k / 2 + 1) for i = -k/2 ... k/2 without 0, and t = 0 for k = 1. A map of C channels
becomes k C bits, slice after slice, so that a convolution with k groups reads one slice in each group.

Gradient: the sum over the slices, with the estimator at each x - t_i.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nn.emit import real
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.ops.concat import Concat
from neurobin.ops.sign import Sign


class BitSlices(nn.Module):
    """[N, C, ...] -> {-1, +1} [N, slices * C, ...]; nothing is learned. Raises UsageError unless slices is 1 or even."""

    progress = 1.0

    def __init__(self, channels: int, slices: int = 4, estimator: Estimator = CLIPPED) -> None:
        super().__init__()
        if slices < 1 or (slices > 1 and slices % 2):
            raise UsageError(f"a map has 1 or an even number of slices, got {slices}")
        half = slices // 2
        steps = [i for i in range(-half, half + 1) if i] or [0]
        self.thresholds = tuple(i / (half + 1) for i in steps)
        self.estimator = estimator

    def forward(self, x: Tensor) -> Tensor:
        shifted = torch.cat([x - threshold for threshold in self.thresholds], 1)
        return substitute(shifted, sign(shifted), self.estimator, self.progress)

    def emit(self, b: Builder, *inputs: str) -> str:
        bits = [b.add(Sign(real(threshold)), *inputs) for threshold in self.thresholds]
        return b.add(Concat(), *bits) if len(bits) > 1 else bits[0]

    def extra_repr(self) -> str:
        return f"slices={len(self.thresholds)}, estimator={self.estimator}"

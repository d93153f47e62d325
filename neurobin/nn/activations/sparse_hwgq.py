"""Sparse half-wave quantization (Wang et al. 2018, Two-Step Quantization for Low-bit Neural Networks, CVPR).

As in HWGQ the levels are 0, d, 2d, ... behind a batch norm without factor and offset, but the zeros reach up to a learned
threshold e > 0: small positive values are left out, and the convolution that follows has fewer terms.

    y = d (1[x > e] + 1[x > 3/2 d] + 1[x > 5/2 d] + ...)

Gradient: each step rises with slope 1 within d/2 of its border, the estimator being taken at x - border. With e = d/2, where
it starts, that is HWGQ's clipped ReLU; the gradient of e is -1 within d/2 of e, so that it falls where small values are
missed.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.ir.dtype import u
from neurobin.nn.activations.hwgq import STEPS
from neurobin.nn.activations.levels import LEAST, check_bits, write
from neurobin.nn.estimators import STRAIGHT_THROUGH, clipped, substitute


class SparseHwgq(nn.Module):
    """[N, C, ...] -> 0, d, ... (2^bits - 1) d, one learned threshold for all channels. Raises UsageError above 4 bits."""

    progress = 1.0

    def __init__(self, channels: int, bits: int = 2) -> None:
        super().__init__()
        self.bits = check_bits("sparse HWGQ", bits, max(STEPS))
        self.step = STEPS[bits]
        self.borders = [self.step * (place + 0.5) for place in range(1, 2**bits - 1)]
        self.threshold = nn.Parameter(torch.tensor(self.step / 2))
        self.estimator = clipped(self.step / 2)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros_like(x)
        borders: list[Tensor | float] = [self._bounded(), *self.borders]
        for border in borders:
            passed = self.step * (x > border).to(x.dtype)
            y = y + substitute(x - border, passed, self.estimator, self.progress)
        return y

    def _bounded(self) -> Tensor:
        """The threshold within (0, 3/2 d), where the borders ascend; the gradient passes as if it were free."""
        top = 1.5 * self.step - LEAST
        return substitute(self.threshold, self.threshold.clamp(LEAST, top), STRAIGHT_THROUGH)

    def emit(self, b: Builder, *inputs: str) -> str:
        borders = np.array([self._bounded().item(), *self.borders])
        above = np.nextafter(borders, np.inf)  # x > t is x >= the number behind t
        return write(b, inputs, thresholds=above, dtype=u(self.bits), scale=self.step)

    def extra_repr(self) -> str:
        return f"bits={self.bits}"

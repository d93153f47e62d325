"""DoReFa-Net activations of k bits (Zhou et al. 2016, arXiv 1606.06160, eq. 11).

y = round((2^k - 1) clip(x, 0, 1)) / (2^k - 1); rounding is half to even.

Gradient: that of the clip, 1 for 0 <= x <= 1 and 0 elsewhere, times the estimator's for the rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nn.activations.levels import check_bits
from neurobin.nn.emit import affine
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.ops.quantize import Quantize


class DorefaActivation(nn.Module):
    """[N, C, ...] -> multiples of 1 / (2^bits - 1) in [0, 1]; the same for all channels. Raises UsageError above 8 bits."""

    progress = 1.0

    def __init__(self, channels: int, bits: int, estimator: Estimator = STRAIGHT_THROUGH) -> None:
        super().__init__()
        self.bits = check_bits("DoReFa", bits)
        self.steps = 2**bits - 1
        self.estimator = estimator

    def forward(self, x: Tensor) -> Tensor:
        unit = torch.clamp(x, 0, 1)
        return substitute(unit, torch.round(unit * self.steps) / self.steps, self.estimator, self.progress)

    def emit(self, b: Builder, *inputs: str) -> str:
        return b.add(affine(1 / self.steps), b.add(Quantize(self.bits), *inputs))

    def extra_repr(self) -> str:
        return f"bits={self.bits}, estimator={self.estimator}"

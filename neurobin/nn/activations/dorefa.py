"""DoReFa-Net activations of k bits (Zhou et al. 2016, arXiv 1606.06160, eq. 11).

y = round((2^k - 1) clip(x, 0, 1)) / (2^k - 1); rounding is half to even. The gradient is that of the clip.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import FLOAT64, Builder, Constant
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.ops.affine import Affine
from neurobin.ops.quantize import Quantize


class DorefaActivation(nn.Module):
    """[N, C, ...] -> multiples of 1 / (2^bits - 1) in [0, 1]; the same for all channels."""

    progress = 1.0

    def __init__(self, channels: int, bits: int, estimator: Estimator = STRAIGHT_THROUGH) -> None:
        super().__init__()
        if not 1 <= bits <= 8:
            raise UsageError(f"DoReFa activations have 1 to 8 bits here, got {bits}")
        self.bits = bits
        self.steps = 2**bits - 1
        self.estimator = estimator

    def forward(self, x: Tensor) -> Tensor:
        unit = torch.clamp(x, 0, 1)
        return substitute(unit, torch.round(unit * self.steps) / self.steps, self.estimator, self.progress)

    def emit(self, b: Builder, *inputs: str) -> str:
        codes = b.add(Quantize(self.bits), *inputs)
        return b.add(Affine(scale=Constant(FLOAT64, np.array([1 / self.steps]))), codes)

"""PACT activations: uniform levels below a learned clip (Choi et al. 2018, arXiv 1805.06085, eqs. 1 to 3).

y = clip(x, 0, a), code = y (2^k - 1) / a rounded half up, value = code a / (2^k - 1). With the rounding passed straight
through, dy/dx = 1 for 0 <= x < a, and dy/da = 1 for x >= a. The paper adds an L2 penalty on a to the loss; that is the
technique `decay_alpha`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.ir.dtype import u
from neurobin.nn.activations.levels import check_bits, clip_to, positive, reached, write
from neurobin.nn.estimators import STRAIGHT_THROUGH, substitute


class PactActivation(nn.Module):
    """[N, C, ...] -> multiples of alpha / (2^bits - 1) in [0, alpha]; alpha is learned, one per layer.

    `start` is the first alpha. Raises UsageError for more than 8 bits.
    """

    def __init__(self, channels: int, bits: int, start: float = 3.0) -> None:
        super().__init__()
        self.bits = check_bits("PACT", bits)
        self.alpha = nn.Parameter(torch.tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        clipped = clip_to(x, positive(self.alpha))
        return substitute(clipped, self._step() * reached(x, self._thresholds()), STRAIGHT_THROUGH)

    def _step(self) -> Tensor:
        return positive(self.alpha.detach()) / (2**self.bits - 1)

    def _thresholds(self) -> Tensor:
        """Half-way between neighbouring levels, [2^bits - 1]."""
        return self._step() * (torch.arange(1, 2**self.bits).to(self.alpha) - 0.5)

    def emit(self, b: Builder, *inputs: str) -> str:
        return write(b, inputs, thresholds=self._thresholds(), dtype=u(self.bits), scale=self._step().item())

    def extra_repr(self) -> str:
        return f"bits={self.bits}"

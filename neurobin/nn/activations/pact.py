"""PACT activations: uniform levels below a learned clip (Choi et al. 2018, arXiv 1805.06085, eqs. 1 to 3).

y = clip(x, 0, a), code = y (2^k - 1) / a rounded half up, value = code a / (2^k - 1). The paper adds an L2 penalty on a to
the loss; that is the technique `decay_alpha`.

Gradient: straight through the rounding, dy/dx = 1 for 0 <= x < a and dy/da = 1 for x >= a, else 0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nn.activations.levels import EvenLevels, check_bits, clip_to, positive
from neurobin.nn.estimators import STRAIGHT_THROUGH, substitute


class PactActivation(nn.Module):
    """[N, C, ...] -> multiples of alpha / (2^bits - 1) in [0, alpha]; alpha is learned, one per layer.

    `start` is the first alpha. Raises UsageError for more than 8 bits.
    """

    def __init__(self, channels: int, bits: int, start: float = 3.0) -> None:
        super().__init__()
        self.bits, self.start = check_bits("PACT", bits), start
        self.alpha = nn.Parameter(torch.tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        clipped = clip_to(x, positive(self.alpha))
        return substitute(clipped, self._levels().nearest(x), STRAIGHT_THROUGH)

    def _levels(self) -> EvenLevels:
        return EvenLevels(self.alpha, self.bits)

    def emit(self, b: Builder, *inputs: str) -> str:
        return self._levels().write(b, inputs)

    def extra_repr(self) -> str:
        return f"bits={self.bits}, start={self.start}"

"""Differentiable soft quantization (Gong et al. 2019, arXiv 1908.05033, eqs. 1 to 9): uniform levels, soft gradients.

code = clip(x, 0, u) / d rounded half up with d = u / (2^k - 1), value = d code.

Gradient: that of the smooth staircase d soft_round(clip(x, 0, u) / d), whose steepness alpha and range u are learned, one
each per layer.

The paper also learns the lower end l. It is 0 here: with l != 0, the zeros that convolutions pad with are no level.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nn.activations.levels import LEAST, EvenLevels, check_bits, clip_to, positive
from neurobin.nn.estimators import STRAIGHT_THROUGH, soft_round, substitute

WIDEST_ALPHA = 0.5  # from about here on the staircase is nearly straight


class DsqActivation(nn.Module):
    """[N, C, ...] -> multiples of u / (2^bits - 1) in [0, u], u = `start` at first. Raises UsageError above 8 bits."""

    def __init__(self, channels: int, bits: int, start: float = 3.0) -> None:
        super().__init__()
        self.bits, self.start = check_bits("DSQ", bits), start
        self.upper = nn.Parameter(torch.tensor(start))
        self.alpha = nn.Parameter(torch.tensor(0.2))

    def forward(self, x: Tensor) -> Tensor:
        upper = positive(self.upper)
        step = upper / (2**self.bits - 1)
        alpha = substitute(self.alpha, self.alpha.clamp(LEAST, WIDEST_ALPHA), STRAIGHT_THROUGH)
        soft = step * soft_round(clip_to(x, upper) / step, alpha)
        return substitute(soft, self._levels().nearest(x), STRAIGHT_THROUGH)

    def _levels(self) -> EvenLevels:
        return EvenLevels(self.upper, self.bits)

    def emit(self, b: Builder, *inputs: str) -> str:
        return self._levels().write(b, inputs)

    def extra_repr(self) -> str:
        return f"bits={self.bits}, start={self.start}"

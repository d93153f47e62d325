"""Self-binarizing activations (Lahoud et al. 2019, arXiv 1902.00730, sec. 3): tanh(nu x) in training, sign afterwards.

y = tanh(nu x) where nu rises geometrically from 1 to 1000 with the training's progress; at progress 1 and in evaluation
y = sign(x), with sign(0) = +1.

Gradient: the true one, nu (1 - tanh(nu x)^2), so no estimator is needed; the sign takes the last slope.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nn.annealed import SHARPENING_TANH, geometric
from neurobin.nn.estimators import substitute
from neurobin.nn.steps import sign
from neurobin.ops.sign import Sign


class TanhSign(nn.Module):
    """[N, C, ...] -> (-1, 1) while training, {-1, +1} at last; the same for all channels."""

    progress = 1.0

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.progress < 1:
            return torch.tanh(geometric(1.0, 1000.0, self.progress) * x)
        return substitute(x, sign(x), SHARPENING_TANH, self.progress)

    def emit(self, b: Builder, *inputs: str) -> str:
        return b.add(Sign(), *inputs)

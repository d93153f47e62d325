"""Hardtanh on a map that stays real, as IR-Net and Bi-Real Net's pretraining have it: y = clip(x, -1, 1).

Emitted as 1 - relu(2 - relu(x + 1)), which deploys as two saturating rescalings; a map of integers has no other clip.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from neurobin.ir import Builder
from neurobin.nn.emit import affine
from neurobin.ops.relu import Relu


class Hardtanh(nn.Module):
    """[N, C, ...] -> [-1, 1]; the same for all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return functional.hardtanh(x)

    def emit(self, b: Builder, *inputs: str) -> str:
        above = b.add(Relu(), b.add(affine(1, 1), *inputs))
        below = b.add(Relu(), b.add(affine(-1, 2), above))
        return b.add(affine(-1, 1), below)

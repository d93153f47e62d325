"""The clip in front of DoReFa-Net's quantizer where a real layer reads it (arXiv 1606.06160, sec. 2.7): y = clip(x, 0, 1).

Emitted as 1 - relu(1 - relu(x)), which deploys as two saturating rescalings; a map of integers has no other clip.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nn.emit import affine
from neurobin.ops.relu import Relu


class UnitClip(nn.Module):
    """[N, C, ...] -> [0, 1]; the same for all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return torch.clamp(x, 0, 1)

    def emit(self, b: Builder, *inputs: str) -> str:
        mirror = affine(-1, 1)
        missing = b.add(Relu(), b.add(mirror, b.add(Relu(), *inputs)))
        return b.add(mirror, missing)

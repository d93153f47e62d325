"""ReActNet-B and -C: where channels double, one real 1x1 convolution replaces two binary ones (arXiv 2003.03488, sec. 5.1).

[RSign -> binary 3x3 -> BN -> + x (average-pooled where the map is halved) -> RPReLU]
[real 1x1 from C to 2 C -> BN -> + concat(x, x) -> RPReLU]
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.nets.ends import Conv
from neurobin.nets.react import ReActBlocks
from neurobin.nets.shortcut import ShortcutBlocks, pooled


@dataclass(frozen=True)
class WideReActBlocks:
    """`blocks` where the width stays; `widen` makes the real convolution where it doubles."""

    blocks: ReActBlocks
    widen: Conv

    def __call__(self, inputs: int, outputs: int, stride: int) -> nn.Module:
        """Real [N, C, H, W] -> real [N, O, H/stride, W/stride]."""
        block = self.blocks(inputs, outputs, stride)  # refuses what it cannot be made for
        return block if inputs == outputs else WideReActBlock(self, inputs, stride)


class WideReActBlock(nn.Module):
    """Real [N, C, H, W] -> real [N, 2 C, H/stride, W/stride]."""

    def __init__(self, parts: WideReActBlocks, inputs: int, stride: int) -> None:
        super().__init__()
        kept = parts.blocks
        spatial = ShortcutBlocks(kept.conv, kept.sign, last=kept.last, shortcut=pooled)
        self.spatial = spatial(inputs, inputs, stride)
        self.conv = parts.widen(inputs, 2 * inputs, 1)
        self.norm = nn.BatchNorm2d(2 * inputs)
        self.last = kept.last(2 * inputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.spatial(x)
        y: Tensor = self.last(self.norm(self.conv(x)) + torch.cat([x, x], 1))
        return y

"""MeliusNet's block (Bethge et al. 2020, arXiv 2001.05936, fig. 3): a dense layer, then an improvement of its new channels.

    dense layer    x -> concat(x, conv(sign(BN x)))              `growth` new channels
    improvement    the last `growth` channels += conv(sign(BN x))

So the new channels get a second, residual look at everything, and the old ones stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nets.densenet import DenseLayers
from neurobin.ops.add import Add
from neurobin.ops.concat import Concat
from neurobin.ops.slice import Slice


@dataclass(frozen=True)
class MeliusBlocks:
    """The parts of every block; calling it makes one for C -> C + growth channels."""

    layers: DenseLayers

    def __call__(self, inputs: int, dilation: int) -> nn.Module:
        return nn.Sequential(self.layers(inputs, dilation), Improvement(self.layers.path(inputs + self.layers.growth)))


class Improvement(nn.Module):
    """Real [N, C, H, W] -> real [N, C, H, W]; what `path` makes of it is added to the last channels."""

    def __init__(self, path: nn.Module) -> None:
        super().__init__()
        self.path = path
        self.add = AddToLast()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.add(x, self.path(x))
        return y


class AddToLast(nn.Module):
    """x [N, C, H, W], y [N, G, H, W] -> x with y added to its last G channels."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        kept = x.shape[1] - y.shape[1]
        return torch.cat([x[:, :kept], x[:, kept:] + y], 1)

    def emit(self, b: Builder, *inputs: str) -> str:
        x, y = inputs
        channels, kept = b.types[x].channels, b.types[x].channels - b.types[y].channels
        improved = b.add(Add(), b.add(Slice(kept, channels), x), y)
        return b.add(Concat(), b.add(Slice(0, kept), x), improved)

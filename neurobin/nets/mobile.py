"""MobileNet's blocks made of binary convolutions (Phan et al. 2020, MoBiNet, arXiv 1907.12629).

A depthwise filter has 9 inputs, too few for signs to carry anything. So the 3x3 convolution is grouped instead: each of its
outputs sees `depends` channels ("K-dependency"), and the 1x1 convolution behind mixes the groups.

    x -> sign -> grouped 3x3 -> BN -> + x (average-pooled where the map is halved)          y
    y -> sign -> 1x1 -> BN -> + y (concat(y, y) where the channels double)

A shortcut around each of the two convolutions; none has weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.nets.ends import Activation, Conv
from neurobin.nets.shortcut import ShortcutBlocks, pooled


@dataclass(frozen=True)
class MobileGroupBlocks:
    """The parts of every block; calling it makes one for C -> C or C -> 2 C channels."""

    conv: Conv
    activation: Activation
    depends: int = 8

    def __call__(self, inputs: int, outputs: int, stride: int) -> nn.Module:
        """Raises UsageError for other widths, and when `depends` does not divide the channels."""
        if outputs not in (inputs, 2 * inputs) or inputs % self.depends:
            raise UsageError(
                f"a mobile block keeps or doubles its channels, a multiple of {self.depends}; got {inputs} and {outputs}"
            )
        return MobileGroupBlock(self, inputs, outputs, stride)


class MobileGroupBlock(nn.Module):
    """Real [N, C, H, W] -> real [N, O, H/stride, W/stride]."""

    def __init__(self, parts: MobileGroupBlocks, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()

        def grouped(
            inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0, groups: int = 1
        ) -> nn.Module:
            return parts.conv(inputs, outputs, kernel, stride=stride, padding=padding, groups=inputs // parts.depends)

        self.spatial = ShortcutBlocks(grouped, parts.activation, shortcut=pooled)(inputs, inputs, stride)
        self.path = nn.Sequential(parts.activation(inputs), parts.conv(inputs, outputs, 1), nn.BatchNorm2d(outputs))
        self.copies = outputs // inputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.spatial(x)
        z: Tensor = self.path(y) + (torch.cat([y, y], 1) if self.copies > 1 else y)
        return z

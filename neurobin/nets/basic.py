"""Residual blocks of two convolutions under one shortcut (He et al. 2016, arXiv 1512.03385), and their binary forms.

    real       conv -> BN -> ReLU -> conv -> BN -> + shortcut -> ReLU
    binary     sign -> conv -> BN -> sign -> conv -> BN -> + shortcut           `first` and `between` are the sign
    XNOR-Net   BN -> conv (signs inside) -> BN -> conv -> + shortcut            `norm_first`

Where the map is halved or the width changes, the shortcut is a 1x1 convolution of the same kind with that stride.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from neurobin.nets.ends import Activation, Conv


@dataclass(frozen=True)
class BasicBlocks:
    """The parts of every block; calling it makes the block of one place in the network."""

    conv: Conv
    first: Activation | None = None
    between: Activation | None = None
    last: Activation | None = None
    norm_first: bool = False

    def __call__(self, inputs: int, outputs: int, stride: int) -> nn.Module:
        """[N, C, H, W] -> [N, O, H/stride, W/stride]."""
        return BasicBlock(self, inputs, outputs, stride)

    def stage(self, bend: Activation | None, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
        """Activation, convolution and batch norm, in this order or with the batch norm in front."""
        conv = self.conv(inputs, outputs, kernel, stride=stride, padding=kernel // 2)
        bent = [] if bend is None else [bend(inputs)]
        if self.norm_first:
            return nn.Sequential(nn.BatchNorm2d(inputs), *bent, conv)
        return nn.Sequential(*bent, conv, nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """One block: `path` is what two convolutions add to `shortcut`."""

    def __init__(self, parts: BasicBlocks, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            parts.stage(parts.first, inputs, outputs, 3, stride), parts.stage(parts.between, outputs, outputs, 3, 1)
        )
        changes = inputs != outputs or stride > 1
        self.shortcut = parts.stage(parts.first, inputs, outputs, 1, stride) if changes else nn.Identity()
        self.last = nn.Identity() if parts.last is None else parts.last(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.path(x) + self.shortcut(x))
        return y

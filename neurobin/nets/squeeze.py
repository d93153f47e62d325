"""Residual blocks whose inner width is wide at first and is squeezed in training (Liu et al. 2020, arXiv 2002.00555).

    x -> activation -> conv C->wO -> BN -> activation -> gate -> conv wO->O -> BN -> + shortcut(x)

Inner channels are read by the second convolution alone, so a closed one leaves without touching the map of the shortcut.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from torch import Tensor, nn

from neurobin.nets.ends import Activation, Conv
from neurobin.nets.shortcut import downsample
from neurobin.nn.layers.channel_gate import ChannelGate


@dataclass(frozen=True)
class SqueezeBlocks:
    """The parts of every block, with inner maps `widen` times as wide as its result; calling it makes one."""

    conv: Conv
    activation: Activation
    widen: int = 2

    def __call__(self, inputs: int, outputs: int, stride: int) -> nn.Module:
        """Real [N, C, H, W] -> real [N, O, H/stride, W/stride]."""
        return SqueezeBlock(self, inputs, outputs, stride)


class SqueezeBlock(nn.Module):
    """One block: `path` is what the two convolutions add to `shortcut`."""

    def __init__(self, parts: SqueezeBlocks, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        inner = parts.widen * outputs
        self.path = nn.Sequential(
            OrderedDict(
                act1=parts.activation(inputs),
                conv1=parts.conv(inputs, inner, 3, stride=stride, padding=1),
                norm1=nn.BatchNorm2d(inner),
                act2=parts.activation(inner),
                gate=ChannelGate(inner),
                conv2=parts.conv(inner, outputs, 3, padding=1),
                norm2=nn.BatchNorm2d(outputs),
            )
        )
        self.shortcut = nn.Identity() if inputs == outputs and stride == 1 else downsample(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.path(x) + self.shortcut(x)
        return y

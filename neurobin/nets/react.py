"""ReActNet's blocks on MobileNet's plan (Liu et al. 2020, arXiv 2003.03488, fig. 5).

    [RSign -> binary 3x3 -> BN -> + x (average-pooled where the map is halved) -> RPReLU]
    [RSign -> binary 1x1 -> BN -> + -> RPReLU]

Where the channels double, two 1x1 convolutions read the same bits, each adds the same map, and their results are
concatenated, so that no shortcut needs real weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.nets.ends import Activation, Conv
from neurobin.nets.shortcut import pooled


@dataclass(frozen=True)
class ReActBlocks:
    """The parts of every block; calling it makes one for C -> C or C -> 2 C channels with stride 1 or 2."""

    conv: Conv
    sign: Activation
    last: Activation

    def __call__(self, inputs: int, outputs: int, stride: int) -> nn.Module:
        """Raises UsageError for other widths and strides."""
        return ReActBlock(self, inputs, outputs, stride)


class ReActBlock(nn.Module):
    """Real [N, C, H, W] -> real [N, O, H/stride, W/stride]."""

    def __init__(self, parts: ReActBlocks, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        if outputs not in (inputs, 2 * inputs) or stride not in (1, 2):
            raise UsageError(f"a ReAct block keeps or doubles {inputs} channels with stride 1 or 2, got {outputs}, {stride}")
        self.sign1 = parts.sign(inputs)
        self.conv1 = parts.conv(inputs, inputs, 3, stride=stride, padding=1)
        self.norm1 = nn.BatchNorm2d(inputs)
        self.shortcut = nn.Identity() if stride == 1 else pooled(inputs, inputs, stride)
        self.act1 = parts.last(inputs)
        self.sign2 = parts.sign(inputs)
        copies = range(outputs // inputs)
        self.conv2 = nn.ModuleList(parts.conv(inputs, inputs, 1) for _ in copies)
        self.norm2 = nn.ModuleList(nn.BatchNorm2d(inputs) for _ in copies)
        self.act2 = parts.last(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act1(self.norm1(self.conv1(self.sign1(x))) + self.shortcut(x))
        bits = self.sign2(x)
        parts = [norm(conv(bits)) + x for conv, norm in zip(self.conv2, self.norm2, strict=True)]
        joined: Tensor = self.act2(torch.cat(parts, 1) if len(parts) > 1 else parts[0])
        return joined

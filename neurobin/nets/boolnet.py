"""BoolNet: every map between the stem and the last block is bits, and shortcuts are logic (Guo et al. 2021, 2106.06991).

    block   x = slices(BN(conv1(r))) xnor r        z = slices(BN(conv2(x)))        out = shuffle(concat(z or r, r))

A map of C channels is k C bits (`bit_slices`); convolutions have k groups, one for each slice, and give C real sums. Logical
channels double with every block. Where the map is halved, conv1 has stride 2 and r is its 2x2 maximum, an OR of bits. The
last block leaves its second sums real. At the zoo's size:

    image -> 8-bit conv C->32, stride 2 from 16 pixels on, BN, slices -> block 32->64 -> block 64->128 at half the size
          -> last block of 128 -> global average pool -> real dense 128 -> classes
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from neurobin.nets.ends import Conv
from neurobin.nets.resnet import Stage, small_stem
from neurobin.nets.task import Task
from neurobin.nn.layers.bit_slices import BitSlices
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.layers.logic import LogicGate

STAGES = (Stage(32, 1, 1), Stage(64, 1, 2), Stage(128, 1, 1))  # widths are those that a block reads


@dataclass(frozen=True)
class BoolNet:
    """[N, C, H, W] raw pixels -> logits [N, classes]; `slices` bits per value, `conv` the binary convolution."""

    topology: ClassVar[str] = "shortcuts"
    conv: Conv
    slices: int = 4

    def __call__(self, task: Task) -> nn.Module:
        task.refuse_core("a shortcut of bits needs logic between maps")
        task.require_multiple(2 * task.stem_stride)
        width = STAGES[0].width
        bits = partial(BitSlices, slices=self.slices)
        parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
        parts |= {"stem": small_stem(task, width), "slices": bits(width)}
        for number, stage in enumerate(STAGES, 1):
            last = number == len(STAGES)
            parts[f"block{number}"] = BoolBlock(self.conv, self.slices, stage.width, stage.stride, last)
        parts["pool"] = nn.AdaptiveAvgPool2d(1)
        parts["flatten"] = nn.Flatten()
        parts["dense"] = nn.Linear(STAGES[-1].width, task.classes)
        return nn.Sequential(parts)


class BoolBlock(nn.Module):
    """Bits [N, k C, H, W] -> bits [N, 2 k C, H/stride, W/stride], or real [N, C, ...] from the last block."""

    def __init__(self, conv: Conv, slices: int, width: int, stride: int, last: bool) -> None:
        super().__init__()
        self.conv1 = conv(slices * width, width, 3, stride=stride, padding=1, groups=slices)
        self.norm1 = nn.BatchNorm2d(width)
        self.slices1 = BitSlices(width, slices)
        self.pool = nn.MaxPool2d(2) if stride == 2 else nn.Identity()
        self.xnor = LogicGate("xnor")
        self.conv2 = conv(slices * width, width, 3, padding=1, groups=slices)
        self.norm2 = nn.BatchNorm2d(width)
        self.last = last
        if not last:
            self.slices2 = BitSlices(width, slices)
            self.either = LogicGate("or")
            self.shuffle = nn.ChannelShuffle(2)  # (half, slice, channel) to (slice, channel, half)

    def forward(self, bits: Tensor) -> Tensor:
        kept = self.pool(bits)
        mixed = self.xnor(self.slices1(self.norm1(self.conv1(bits))), kept)
        sums: Tensor = self.norm2(self.conv2(mixed))
        if self.last:
            return sums
        joined: Tensor = self.shuffle(torch.cat([self.either(self.slices2(sums), kept), kept], 1))
        return joined

"""ReActNet's blocks at the zoo's size (Liu et al. 2020, arXiv 2003.03488, fig. 5).

    image -> 8-bit conv C->32, BN -> block 32->64 s2 -> block 64->128 s2
          -> global average pool -> real dense 128 -> classes

A block is RSign -> binary 3x3 -> BN -> + x (average-pooled where the map is halved) -> RPReLU, then RSign -> binary 1x1
-> BN -> + -> RPReLU; where the channels double, two 1x1 convolutions read the same bits, each adds the same map, and
their results are concatenated, so that no shortcut needs real weights.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.nets.ends import real_linear, stem
from neurobin.nets.plain import WIDTHS
from neurobin.nets.task import Task
from neurobin.nn import InputNorm, MagnitudeAwareSign, QuantConv2d, RPReLU, RSign

GROUP_CHANNELS = 8
WEIGHTS = MagnitudeAwareSign(scale_gradient=False)


class ReActBlock(nn.Module):
    """Real [N, C, H, W] -> real [N, O, H/stride, W/stride] with O = C or 2 C, stride 1 or 2."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        if outputs not in (inputs, 2 * inputs) or stride not in (1, 2):
            raise UsageError(f"a ReAct block keeps or doubles {inputs} channels with stride 1 or 2, got {outputs}, {stride}")
        groups = inputs // GROUP_CHANNELS
        self.sign1 = RSign(inputs)
        self.conv1 = QuantConv2d(inputs, inputs, 3, stride=stride, padding=1, groups=groups, weight_quantizer=WEIGHTS)
        self.norm1 = nn.BatchNorm2d(inputs)
        self.shortcut = nn.Identity() if stride == 1 else nn.AvgPool2d(2)
        self.act1 = RPReLU(inputs)
        self.sign2 = RSign(inputs)
        copies = range(outputs // inputs)
        self.conv2 = nn.ModuleList(QuantConv2d(inputs, inputs, 1, weight_quantizer=WEIGHTS) for _ in copies)
        self.norm2 = nn.ModuleList(nn.BatchNorm2d(inputs) for _ in copies)
        self.act2 = RPReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act1(self.norm1(self.conv1(self.sign1(x))) + self.shortcut(x))
        bits = self.sign2(x)
        parts = [norm(conv(bits)) + x for conv, norm in zip(self.conv2, self.norm2, strict=True)]
        joined: Tensor = self.act2(torch.cat(parts, 1) if len(parts) > 1 else parts[0])
        return joined


def react(task: Task) -> nn.Module:
    """[N, C, H, W] raw pixels -> logits [N, classes]. Raises UsageError unless both sides are multiples of 4."""
    task.require_multiple(4)
    narrow, middle, wide = WIDTHS
    parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
    parts["conv1"] = stem(task.channels, narrow)
    parts["norm1"] = nn.BatchNorm2d(narrow)
    parts["block1"] = ReActBlock(narrow, middle, stride=2)
    parts["block2"] = ReActBlock(middle, wide, stride=2)
    parts["pool3"] = nn.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    parts["dense"] = real_linear(wide, task.classes)
    return nn.Sequential(parts)

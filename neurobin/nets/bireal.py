"""Bi-Real Net's blocks at the zoo's size: one binary convolution per real shortcut (Liu et al. 2018, arXiv 1808.00278).

    image -> 8-bit conv C->32, BN -> 32->64 s2, 64->64 -> 64->128 s2, 128->128
          -> global average pool -> real dense 128 -> classes

A block is sign -> shuffle -> binary conv 3x3 -> BN -> + shortcut; where it halves the map, the shortcut is an average pool
2x2, a real 1x1 convolution and BN. The shuffle mixes the convolution's groups (fan-in 72) on bits, before the convolution.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from neurobin.nets.ends import real_linear, stem
from neurobin.nets.plain import WIDTHS
from neurobin.nets.task import Task
from neurobin.nn import POLYNOMIAL, InputNorm, MagnitudeAwareSign, QuantConv2d, SignActivation

GROUP_CHANNELS = 8


class BiRealBlock(nn.Module):
    """Real [N, C, H, W] -> real [N, O, H/stride, W/stride]."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        groups = inputs // GROUP_CHANNELS
        self.sign = SignActivation(POLYNOMIAL)
        self.shuffle = nn.ChannelShuffle(groups)
        quantizer = MagnitudeAwareSign(scale_gradient=False)
        self.conv = QuantConv2d(inputs, outputs, 3, stride=stride, padding=1, groups=groups, weight_quantizer=quantizer)
        self.norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity() if inputs == outputs and stride == 1 else downsample(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.norm(self.conv(self.shuffle(self.sign(x))))
        return residual + self.shortcut(x)


def downsample(inputs: int, outputs: int) -> nn.Module:
    """Average pool 2x2, real 1x1 convolution, batch norm."""
    conv = nn.Conv2d(inputs, outputs, 1, bias=False)
    return nn.Sequential(OrderedDict(pool=nn.AvgPool2d(2), conv=conv, norm=nn.BatchNorm2d(outputs)))


def bireal(task: Task) -> nn.Module:
    """[N, C, H, W] raw pixels -> logits [N, classes]. Raises UsageError unless both sides are multiples of 4."""
    task.require_multiple(4)
    narrow, middle, wide = WIDTHS
    parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
    parts["conv1"] = stem(task.channels, narrow)
    parts["norm1"] = nn.BatchNorm2d(narrow)
    parts["block1"] = BiRealBlock(narrow, middle, stride=2)
    parts["block2"] = BiRealBlock(middle, middle, stride=1)
    parts["block3"] = BiRealBlock(middle, wide, stride=2)
    parts["block4"] = BiRealBlock(wide, wide, stride=1)
    parts["pool5"] = nn.AdaptiveAvgPool2d(1)
    parts["flatten"] = nn.Flatten()
    parts["dense"] = real_linear(wide, task.classes)
    return nn.Sequential(parts)

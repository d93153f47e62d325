"""XNOR-Net's block order on the zoo's common network: batch norm -> sign -> conv -> pool.

image -> 8-bit conv C->32, BN, ReLU -> [pool 2 if 16 pixels or more] -> BN, xnor conv 32->64 in 4 groups, pool 2
      -> shuffle -> BN, xnor conv 64->128 in 8 groups, global pool -> BN, ReLU -> real dense 128 -> classes
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from neurobin.nets.ends import real_linear, stem
from neurobin.nets.plain import GROUPS, WIDTHS
from neurobin.nets.task import Task
from neurobin.nn import InputNorm, XnorConv2d


def xnor(task: Task) -> nn.Module:
    """[N, C, H, W] raw pixels -> logits [N, classes]."""
    narrow, middle, wide = WIDTHS
    parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
    parts["conv1"] = stem(task.channels, narrow)
    parts["norm1"] = nn.BatchNorm2d(narrow)
    parts["act1"] = nn.ReLU()
    if task.large:
        parts["pool1"] = nn.MaxPool2d(2)
    parts["norm2"] = nn.BatchNorm2d(narrow)
    parts["conv2"] = XnorConv2d(narrow, middle, 3, padding=1, groups=GROUPS[0])
    parts["pool2"] = nn.MaxPool2d(2)
    parts["shuffle"] = nn.ChannelShuffle(GROUPS[0])
    parts["norm3"] = nn.BatchNorm2d(middle)
    parts["conv3"] = XnorConv2d(middle, wide, 3, padding=1, groups=GROUPS[1])
    parts["pool3"] = nn.AdaptiveMaxPool2d(1)
    parts["norm4"] = nn.BatchNorm2d(wide)
    parts["act4"] = nn.ReLU()
    parts["flatten"] = nn.Flatten()
    parts["dense"] = real_linear(wide, task.classes)
    return nn.Sequential(parts)

"""Residual networks: a stem, stages of blocks, a global average pool and a dense layer.

At the zoo's size, for images from 8 pixels on:

    image -> 8-bit conv C->64, stride 2 from 16 pixels on, BN -> 2 blocks of 64 -> 2 blocks of 128, the first with stride 2
          -> global average pool -> real dense 128 -> classes
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from torch import nn

from neurobin.nets.ends import Activation, Linear, real_linear, stem
from neurobin.nets.task import Task
from neurobin.nn.layers.input_norm import InputNorm

Block = Callable[[int, int, int], nn.Module]  # inputs, outputs, stride -> module
Stem = Callable[[Task, int], nn.Module]  # task, outputs -> module on [N, C, H, W], batch norm included


@dataclass(frozen=True)
class Stage:
    """Blocks of one width; the first has the stride."""

    width: int
    blocks: int
    stride: int


SMALL = (Stage(64, 2, 1), Stage(128, 2, 2))


def small_stem(task: Task, outputs: int, then: Activation | None = None) -> nn.Module:
    """3x3 convolution with 8-bit weights and batch norm; `then` bends the map, where a paper does."""
    conv = stem(task.channels, outputs, 3, stride=task.stem_stride, padding=1)
    parts: OrderedDict[str, nn.Module] = OrderedDict(conv=conv, norm=nn.BatchNorm2d(outputs))
    if then is not None:
        parts["act"] = then(outputs)
    return nn.Sequential(parts)


@dataclass(frozen=True)
class ResNet:
    """[N, C, H, W] raw pixels -> logits [N, classes]; `last` bends the map before the pool, where a paper does.

    Raises UsageError for images whose sides the strides do not divide, and for cores.
    """

    topology: ClassVar[str] = "shortcuts"
    block: Block
    stages: tuple[Stage, ...] = SMALL
    stem: Stem = small_stem
    last: Activation | None = None
    dense: Linear = real_linear
    stem_width: int | None = None  # None: that of the first stage
    width: float = 1

    def __call__(self, task: Task) -> nn.Module:
        task.refuse_core("a real shortcut needs an adder of sums, which a core lacks")
        task.require_multiple(task.stem_stride * prod(stage.stride for stage in self.stages))
        channels = int((self.stem_width or self.stages[0].width) * self.width)
        parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
        parts["stem"] = self.stem(task, channels)
        for number, stage in enumerate(self.stages, 1):
            outputs = int(stage.width * self.width)
            for place in range(stage.blocks):
                parts[f"block{number}_{place + 1}"] = self.block(channels, outputs, stage.stride if place == 0 else 1)
                channels = outputs
        if self.last is not None:
            parts["act"] = self.last(channels)
        parts["pool"] = nn.AdaptiveAvgPool2d(1)
        parts["flatten"] = nn.Flatten()
        parts["dense"] = self.dense(channels, task.classes)
        return nn.Sequential(parts)

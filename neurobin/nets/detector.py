"""A single-shot detector on a grid (Redmon and Farhadi 2017, YOLOv2, arXiv 1612.08242), with DarkNet's trunk made small.

DarkNet alternates 3x3 convolutions with 1x1 ones of half the filters and doubles the filters behind each pool. At the zoo's
size, every convolution with batch norm and a rectifier:

    image -> 8-bit 3x3 16, pool 2 -> 3x3 32, pool 2 -> 3x3 64, 1x1 32, 3x3 64, pool 2 -> 3x3 128, 1x1 64, 3x3 128
          -> real 1x1 with bias, 5 + K outputs per cell of 8x8 pixels

What the outputs mean stands in `neurobin.nn.grid`. DarkNet-19 has five pools, up to 1024 filters and leaky rectifiers.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nets.ends import Activation, Conv, Norm, norm2d, relu, stem
from neurobin.nets.task import Goal, Task
from neurobin.nn.grid import BOX_OUTPUTS, CELL
from neurobin.nn.layers.input_norm import InputNorm

STAGES = ((16,), (32,), (64, 32, 64), (128, 64, 128))  # filters; a pool after each stage but the last


@dataclass(frozen=True)
class Detector:
    """[N, C, H, W] raw pixels -> [N, H / 8, W / 8, 5 + classes].

    `hidden` makes all convolutions but the first and the last. Raises UsageError for tasks that do not ask for boxes, for
    sides that are no multiples of 8, and for cores.
    """

    topology: ClassVar[str] = "detector"
    hidden: Conv
    activation: Activation = relu
    norm: Norm = norm2d
    first: Conv = stem
    width: float = 1

    def __call__(self, task: Task) -> nn.Module:
        if task.goal is not Goal.DETECTION:
            raise UsageError("a detector needs images with boxes to find", hint="--data digit_scenes")
        task.refuse_core("activations of several bits take a spike each, and a core reads single ones")
        task.require_multiple(CELL)
        parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
        channels, number = task.channels, 1
        for stage, widths in enumerate(STAGES, 1):
            for place, filters in enumerate(widths):
                outputs, kernel = int(filters * self.width), 1 if place % 2 else 3
                make = self.first if number == 1 else self.hidden
                parts[f"conv{number}"] = make(channels, outputs, kernel, padding=kernel // 2)
                parts[f"norm{number}"] = self.norm(outputs)
                parts[f"act{number}"] = self.activation(outputs)
                channels, number = outputs, number + 1
            if stage < len(STAGES):
                parts[f"pool{stage}"] = nn.MaxPool2d(2)
        parts["head"] = nn.Conv2d(channels, BOX_OUTPUTS + task.classes, 1)
        parts["grid"] = ChannelsLast()
        return nn.Sequential(parts)


class ChannelsLast(nn.Module):
    """[N, C, H, W] -> [N, H, W, C], as graphs have all maps."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1)

    def emit(self, b: Builder, *inputs: str) -> str:
        return inputs[0]

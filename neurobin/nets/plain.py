"""Networks without shortcuts written as a list of steps, for the architectures that papers give as a table.

A step takes the channels (or features) it finds and returns its module with the number it leaves; `Plain` strings steps
together behind the input's norm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from neurobin.errors import UsageError
from neurobin.nets.ends import Activation, Conv, Linear, Norm, norm2d
from neurobin.nets.task import Task
from neurobin.nn.layers.input_norm import InputNorm

Step = Callable[[int], tuple[nn.Module, int]]


def conv(
    make: Conv, outputs: int, kernel: int, *, stride: int = 1, padding: int | None = None, act: Activation | None = None
) -> Step:
    """A convolution behind the activation that quantizes its input; without `padding` an odd kernel keeps the map's size."""
    around = kernel // 2 if padding is None else padding

    def step(inputs: int) -> tuple[nn.Module, int]:
        layer = make(inputs, outputs, kernel, stride=stride, padding=around)
        return (layer if act is None else nn.Sequential(act(inputs), layer)), outputs

    return step


def dense(make: Linear, outputs: int, *, act: Activation | None = None) -> Step:
    """A dense layer behind the activation that quantizes its input."""

    def step(inputs: int) -> tuple[nn.Module, int]:
        layer = make(inputs, outputs)
        return (layer if act is None else nn.Sequential(act(inputs), layer)), outputs

    return step


def norm(make: Norm = norm2d) -> Step:
    """Batch norm, or any other module made from the number of channels."""
    return lambda channels: (make(channels), channels)


def pool(kernel: int, stride: int | None = None, padding: int = 0) -> Step:
    """Max pool."""
    return lambda channels: (nn.MaxPool2d(kernel, stride or kernel, padding), channels)


def average(kernel: int, stride: int | None = None, padding: int = 0) -> Step:
    """Average pool."""
    return lambda channels: (nn.AvgPool2d(kernel, stride or kernel, padding), channels)


def flatten(pixels: int) -> Step:
    """A map of `pixels` positions as one vector."""
    return lambda channels: (nn.Flatten(), channels * pixels)


def relu(channels: int) -> tuple[nn.Module, int]:
    """The step of a ReLU."""
    return nn.ReLU(), channels


def bend(make: Activation) -> Step:
    """An activation that belongs to no convolution."""
    return norm(make)


@dataclass(frozen=True)
class Plain:
    """[N, C, H, W] raw pixels -> logits [N, classes]. Raises UsageError when the steps end in another number of classes."""

    steps: tuple[Step, ...]

    def __call__(self, task: Task) -> nn.Module:
        parts: list[nn.Module] = [InputNorm.for_levels(task.levels)]
        channels = task.channels
        for step in self.steps:
            part, channels = step(channels)
            parts.append(part)
        if channels != task.classes:
            raise UsageError(f"this network ends in {channels} classes, the task has {task.classes}")
        return nn.Sequential(*parts)

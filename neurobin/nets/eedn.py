"""Networks laid out for neurosynaptic cores (Esser et al. 2016, arXiv 1603.08270): every filter reads at most 128 inputs.

A core has 256 axons, and a weight of -1, 0 or +1 takes a pair of them, so k * k * (channels / groups) <= 128. Layers that
look at a neighbourhood have many groups, 1x1 layers with few groups mix them, and strided layers halve the map in place of
a pool. Before a grouped layer the channels of the layer below are dealt out in turn, which costs a core nothing: it is
wiring. At the zoo's size, from 28x28 pixels (layers are written kernel, outputs, groups; "/2" halves the map):

    image -> 3x3 -> 16 spikes (transduction, off the chip)
          -> 4x4 128 (2) /2 -> 1x1 128 (1) -> 2x2 256 (4) /2 -> 1x1 256 (2) -> 3x3 256 (32) -> 1x1 256 (2)
          -> 2x2 512 (8) /2 -> 1x1 512 (4) -> 1x1 500 (4) -> spikes counted per class

The paper's network for one chip reads 32x32 colour images; as we know it (second hand, unverified) it has 14 layers on cores
in the same order, with 252 to 2040 filters.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import lcm
from typing import ClassVar

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nets.ends import Activation, Conv, Norm, stem
from neurobin.nets.task import Task
from neurobin.nn.emit import affine
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.flatten import Flatten
from neurobin.ops.reshape import Reshape

FAN_IN = 128  # inputs of a filter: 256 axons, a pair for each
TRANSDUCERS = 16


@dataclass(frozen=True)
class CoreLayer:
    """A grouped convolution; with stride 2 the map is halved, rounded up."""

    kernel: int
    outputs: int
    groups: int
    stride: int = 1

    def padding(self, size: int) -> int:
        """Zeros on each side so that ceil(size / stride) windows fit."""
        return (self.kernel - self.stride + size % self.stride + 1) // 2


SMALL = (
    CoreLayer(4, 128, 2, 2),
    CoreLayer(1, 128, 1),
    CoreLayer(2, 256, 4, 2),
    CoreLayer(1, 256, 2),
    CoreLayer(3, 256, 32),
    CoreLayer(1, 256, 2),
    CoreLayer(2, 512, 8, 2),
    CoreLayer(1, 512, 4),
    CoreLayer(1, 512, 4),
)


@dataclass(frozen=True)
class Eedn:
    """[N, C, H, W] raw pixels -> class scores [N, classes], the mean spikes of each class's neurons times `gain`.

    `conv` and `norm` make the layers on cores, `spike` their {0, 1} activations. The outputs of the last layer are rounded
    down to a multiple of the classes (and groups), so that each class has as many neurons. Fits cores by itself, with or
    without `Task.core`. Raises UsageError for square filters that no core carries and maps that are not square.
    """

    topology: ClassVar[str] = "plain"
    conv: Conv
    spike: Activation
    norm: Norm
    layers: tuple[CoreLayer, ...] = SMALL
    gain: float = 10.0

    def __call__(self, task: Task) -> nn.Module:
        if task.height != task.width:
            raise UsageError(f"this network takes square images, got {task.height}x{task.width}")
        parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
        parts |= self._spiking(0, stem(task.channels, TRANSDUCERS, 3, padding=1), TRANSDUCERS)
        channels, size, below = TRANSDUCERS, task.height, 1
        for number, layer in enumerate(self.layers, 1):
            outputs = layer.outputs
            if number == len(self.layers):
                each = lcm(task.classes, layer.groups)
                outputs = max(outputs // each, 1) * each
            fan_in = layer.kernel**2 * channels // layer.groups
            if fan_in > FAN_IN:
                raise UsageError(f"filters of layer {number} read {fan_in} inputs, a core carries {FAN_IN}", hint="groups")
            if layer.groups > 1 and below > 1:
                parts[f"shuffle{number}"] = nn.ChannelShuffle(below)
            padding = layer.padding(size)
            conv = self.conv(channels, outputs, layer.kernel, stride=layer.stride, padding=padding, groups=layer.groups)
            parts |= self._spiking(number, conv, outputs)
            channels, size, below = outputs, -(-size // layer.stride), layer.groups
        parts["count"] = SpikeCount(task.classes, self.gain)
        return nn.Sequential(parts)

    def _spiking(self, number: int, conv: nn.Module, outputs: int) -> dict[str, nn.Module]:
        return {f"conv{number}": conv, f"norm{number}": self.norm(outputs), f"spike{number}": self.spike(outputs)}


class SpikeCount(nn.Module):
    """Spikes [N, C, H, W] -> [N, classes]: channel c votes for class c mod classes; the mean of its votes times `gain`."""

    def __init__(self, classes: int, gain: float) -> None:
        super().__init__()
        self.classes, self.gain = classes, gain

    def forward(self, x: Tensor) -> Tensor:
        votes = x.permute(0, 2, 3, 1).reshape(len(x), -1, self.classes)
        return votes.mean(1, dtype=torch.promote_types(x.dtype, torch.float32)) * self.gain

    def emit(self, b: Builder, *inputs: str) -> str:
        voters = b.types[inputs[0]].size // self.classes
        votes = b.add(Reshape((voters, 1, self.classes)), *inputs)
        mean = b.add(Flatten(), b.add(AvgPool2d((voters, 1), (voters, 1)), votes))
        return b.add(affine(self.gain), mean)

    def extra_repr(self) -> str:
        return f"classes={self.classes}, gain={self.gain}"

"""The common small network without shortcuts, so that methods compare on one shape.

    image -> conv 3x3 C->32, stride 2 from 16 pixels on
          -> conv 3x3 32->64 -> conv 3x3 64->64, pool 2
          -> conv 3x3 64->128 -> conv 3x3 128->128, global pool -> dense 128 -> classes

For cores (`Task.core`), and for images below 16 pixels in any case, hidden convolutions read 8 channels per group, a
fan-in of 72, so that a core with 256 axons carries each filter with its weights on axon pairs; a shuffle before each
grouped convolution mixes the groups. Otherwise every filter sees all channels.

Three orders of one stage, as the papers have them:

    NORM_LAST    conv -> pool -> batch norm -> activation    quantized activations: with gamma > 0, codes are pooled
    POOL_LAST    conv -> batch norm -> activation -> pool    rectified activations
    NORM_FIRST   batch norm -> activation -> conv -> pool    XNOR-Net and its heirs; a ReLU follows the first and last stage
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from torch import nn

from neurobin.nets.ends import Activation, Conv, Linear, Norm, norm2d, real_linear, stem
from neurobin.nets.task import Task
from neurobin.nn.layers.input_norm import InputNorm

WIDTHS = (32, 64, 64, 128, 128)
POOLED = (False, False, True, False, True)
GROUP_CHANNELS = 8


class Order(Enum):
    """Where batch norm, activation and pool stand around a convolution."""

    NORM_LAST = "norm last"
    POOL_LAST = "pool last"
    NORM_FIRST = "norm first"


@dataclass(frozen=True)
class Vgg:
    """What a method puts into the common network: [N, C, H, W] raw pixels -> logits [N, classes].

    `hidden` makes the hidden convolutions, one for all or one for each of the four; `width` multiplies all widths but the
    image's. Without `grouped`, filters see all channels of small images too, and cores are refused.
    """

    topology: ClassVar[str] = "plain"
    hidden: Conv | tuple[Conv, ...]
    activation: Activation
    first: Conv = stem
    last: Linear = real_linear
    order: Order = Order.NORM_LAST
    norm: Norm = norm2d
    width: float = 1
    grouped: bool = True

    def __call__(self, task: Task) -> nn.Module:
        if not self.grouped:
            task.refuse_core("its filters see all channels of their input, 288 values and more")
        narrow = self.grouped and (task.core or task.stem_stride == 1)
        widths = [int(width * self.width) for width in WIDTHS]
        layers = self.hidden if isinstance(self.hidden, tuple) else (self.hidden,) * (len(widths) - 1)
        parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
        conv = self.first(task.channels, widths[0], 3, stride=task.stem_stride, padding=1)
        parts |= self._stage(1, conv, task.channels, widths[0])
        for number, layer in enumerate(layers, 2):
            inputs, outputs = widths[number - 2 : number]
            groups = inputs // GROUP_CHANNELS if narrow else 1
            if groups > 1 and number > 2:
                parts[f"shuffle{number}"] = nn.ChannelShuffle(groups)
            parts |= self._stage(number, layer(inputs, outputs, 3, padding=1, groups=groups), inputs, outputs)
        if self.order is Order.NORM_FIRST:
            parts |= {"norm_last": self.norm(widths[-1]), "act_last": nn.ReLU()}
        parts["flatten"] = nn.Flatten()
        parts["dense"] = self.last(widths[-1], task.classes)
        return nn.Sequential(parts)

    def _stage(self, number: int, conv: nn.Module, inputs: int, outputs: int) -> dict[str, nn.Module]:
        last = number == len(WIDTHS)
        pooled: dict[str, nn.Module] = {}
        if POOLED[number - 1]:
            pooled[f"pool{number}"] = nn.AdaptiveMaxPool2d(1) if last else nn.MaxPool2d(2)
        convolved = {f"conv{number}": conv}
        if self.order is Order.NORM_FIRST:
            if number == 1:
                return convolved | {"norm1": self.norm(outputs), "act1": nn.ReLU()}
            return {f"norm{number}": self.norm(inputs), f"act{number}": self.activation(inputs)} | convolved | pooled
        activated = {f"norm{number}": self.norm(outputs), f"act{number}": self.activation(outputs)}
        return convolved | (pooled | activated if self.order is Order.NORM_LAST else activated | pooled)

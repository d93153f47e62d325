"""The common small convolutional network of the zoo, so that methods compare on one shape.

    image -> conv 3x3 C->32 -> [pool 2 if 16 pixels or more] -> conv 3x3 32->64 in 4 groups -> pool 2 -> shuffle
          -> conv 3x3 64->128 in 8 groups -> global pool -> dense 128 -> classes

Every convolution is followed by batch norm and the method's activation; the fan-in of the hidden layers is 72 and that of
the last one 128, so a core with 256 axons carries each filter with its weights on axon pairs.

Quantized activations pool first, as their papers do: conv -> pool -> batch norm -> activation. With gamma > 0 (see
`Recipe.min_gamma`) that equals pooling the quantized values, so that the deployed network pools bits. Rectified activations
pool last, where the map is narrowest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import nn

from neurobin.nets.task import Task
from neurobin.nn import InputNorm

WIDTHS = (32, 64, 128)
GROUPS = (4, 8)


class ConvFactory(Protocol):
    """Makes a convolution without bias."""

    def __call__(self, inputs: int, outputs: int, kernel: int, *, padding: int, groups: int) -> nn.Module: ...


@dataclass(frozen=True)
class PlainLayers:
    """What a method puts into the plain network: three kinds of weights and one activation; `pool_first` as said above."""

    first: ConvFactory
    hidden: ConvFactory
    last: Callable[[int, int], nn.Module]
    activation: Callable[[], nn.Module]
    pool_first: bool


def plain(task: Task, layers: PlainLayers) -> nn.Module:
    """[N, C, H, W] raw pixels -> logits [N, classes]."""
    narrow, middle, wide = WIDTHS
    parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
    front = nn.MaxPool2d(2) if task.large else None
    parts |= _stage(1, layers.first(task.channels, narrow, 3, padding=1, groups=1), narrow, front, layers)
    parts |= _stage(2, layers.hidden(narrow, middle, 3, padding=1, groups=GROUPS[0]), middle, nn.MaxPool2d(2), layers)
    parts["shuffle"] = nn.ChannelShuffle(GROUPS[0])
    whole = nn.AdaptiveMaxPool2d(1)
    parts |= _stage(3, layers.hidden(middle, wide, 3, padding=1, groups=GROUPS[1]), wide, whole, layers)
    parts["flatten"] = nn.Flatten()
    parts["dense"] = layers.last(wide, task.classes)
    return nn.Sequential(parts)


def _stage(number: int, conv: nn.Module, channels: int, pool: nn.Module | None, layers: PlainLayers) -> dict[str, nn.Module]:
    pooled = {} if pool is None else {f"pool{number}": pool}
    quantized = {f"norm{number}": nn.BatchNorm2d(channels), f"act{number}": layers.activation()}
    return {f"conv{number}": conv} | (pooled | quantized if layers.pool_first else quantized | pooled)

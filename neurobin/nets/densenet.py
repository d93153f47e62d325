"""BinaryDenseNet (Bethge et al. 2019, arXiv 1906.08637, sec. 4): every binary convolution adds channels, none are ever lost.

    layer       x -> concat(x, conv(sign(BN x))), `growth` new channels
    transition  BN -> max pool 2 -> ReLU -> [shuffle] -> real 1x1 convolution to fewer channels
    head        BN -> ReLU -> global average pool -> dense

The map stays real: each layer's batch norm and sign make bits of their own from it. Blocks of layers and transitions
alternate; a dilated block keeps the map's size, so the transition before it does not pool. MeliusNet's blocks fit the same
frame (`nets.melius`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.nets.ends import Activation, Linear, real_linear
from neurobin.nets.resnet import Stem, small_stem
from neurobin.nets.task import Task
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.weights.quantizer import WeightScheme

Grow = Callable[[int, int], nn.Module]  # channels, dilation -> module that returns `growth` channels more


@dataclass(frozen=True)
class DenseLayers:
    """The parts of every layer; calling it makes one for C -> C + growth channels."""

    weights: WeightScheme
    activation: Activation
    growth: int = 64
    pad_value: int = 0

    def __call__(self, inputs: int, dilation: int) -> nn.Module:
        return DenseLayer(self.path(inputs, dilation))

    def path(self, inputs: int, dilation: int = 1) -> nn.Module:
        """BN, activation and convolution: C -> growth channels on a map of the same size."""
        conv = QuantConv2d(
            inputs,
            self.growth,
            3,
            padding=dilation,
            pad_value=self.pad_value,
            dilation=dilation,
            weights=self.weights,
        )
        return nn.Sequential(OrderedDict(norm=nn.BatchNorm2d(inputs), act=self.activation(inputs), conv=conv))


class DenseLayer(nn.Module):
    """Real [N, C, H, W] -> real [N, C + growth, H, W]."""

    def __init__(self, path: nn.Module) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.path(x)], 1)


@dataclass(frozen=True)
class Transition:
    """To `width` channels; `groups` of the 1x1 convolution read shuffled channels."""

    width: int
    groups: int = 1

    def __call__(self, inputs: int, pooled: bool) -> nn.Module:
        parts: OrderedDict[str, nn.Module] = OrderedDict(norm=nn.BatchNorm2d(inputs))
        if pooled:
            parts["pool"] = nn.MaxPool2d(2)
        parts["act"] = nn.ReLU()
        if self.groups > 1:
            parts["shuffle"] = nn.ChannelShuffle(SHUFFLE)
        parts["conv"] = nn.Conv2d(inputs, self.width, 1, groups=self.groups, bias=False)
        return nn.Sequential(parts)


SHUFFLE = 16  # groups of the shuffle before a grouped transition, in the authors' code


@dataclass(frozen=True)
class DenseNet:
    """[N, C, H, W] raw pixels -> logits [N, classes]: blocks of `layers[i]` layers with `transitions[i]` between them.

    Raises UsageError when the numbers of blocks, transitions and dilations do not fit together.
    """

    topology: ClassVar[str] = "shortcuts"
    layer: Grow
    layers: tuple[int, ...]
    transitions: tuple[Transition, ...]
    growth: int = 64
    stem: Stem = small_stem
    stem_width: int = 64
    dilations: tuple[int, ...] = ()
    dense: Linear = real_linear

    def __call__(self, task: Task) -> nn.Module:
        task.refuse_core("concatenated maps stay real, which a core cannot store")
        dilations = self.dilations or (1,) * len(self.layers)
        if not len(self.transitions) + 1 == len(self.layers) == len(dilations):
            raise UsageError(
                f"{len(self.layers)} blocks need {len(self.layers) - 1} transitions and as many dilations as blocks, "
                f"got {len(self.transitions)} and {len(dilations)}"
            )
        parts: OrderedDict[str, nn.Module] = OrderedDict(input=InputNorm.for_levels(task.levels))
        parts["stem"] = self.stem(task, self.stem_width)
        channels = self.stem_width
        for number, (count, dilation) in enumerate(zip(self.layers, dilations, strict=True), 1):
            if number > 1:
                transition = self.transitions[number - 2]
                parts[f"transition{number - 1}"] = transition(channels, dilation == 1)
                channels = transition.width
            for place in range(1, count + 1):
                parts[f"layer{number}_{place}"] = self.layer(channels, dilation)
                channels += self.growth
        parts |= {"norm": nn.BatchNorm2d(channels), "act": nn.ReLU(), "pool": nn.AdaptiveAvgPool2d(1)}
        parts |= {"flatten": nn.Flatten(), "dense": self.dense(channels, task.classes)}
        return nn.Sequential(parts)

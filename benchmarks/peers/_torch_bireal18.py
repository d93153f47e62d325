"""Bi-Real Net 18 in plain torch layers, the signs as float32 +-1."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from benchmarks.bireal18 import BLOCKS, CLASSES, NORM_EPSILON, STEM_WIDTH, Block, Parameters


class BinaryBlock(nn.Module):
    """sign -> conv 3x3 -> BN -> + shortcut."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.conv = nn.Conv2d(block.inputs, block.outputs, 3, block.stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(block.outputs, NORM_EPSILON)
        self.shortcut = _downsample(block) if block.stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(torch.sign(x))) + self.shortcut(x)  # sign(0) = 0: no real sum of these nets is 0
        return y


def _downsample(block: Block) -> nn.Module:
    conv = nn.Conv2d(block.inputs, block.outputs, 1, bias=False)
    norm = nn.BatchNorm2d(block.outputs, NORM_EPSILON)
    return nn.Sequential(OrderedDict(pool=nn.AvgPool2d(2), conv=conv, norm=norm))


def network(parameters: Parameters) -> nn.Module:
    """float32 [1, 3, 224, 224] -> logits [1, 1000], in evaluation mode, without gradients."""
    stem = OrderedDict[str, nn.Module](
        conv=nn.Conv2d(3, STEM_WIDTH, 7, 2, 3, bias=False),
        norm=nn.BatchNorm2d(STEM_WIDTH, NORM_EPSILON),
        pool=nn.MaxPool2d(3, 2, 1),
    )
    parts = OrderedDict[str, nn.Module](stem=nn.Sequential(stem))
    parts.update((block.name, BinaryBlock(block)) for block in BLOCKS)
    parts.update(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), dense=nn.Linear(BLOCKS[-1].outputs, CLASSES))
    made = nn.Sequential(parts)
    counters = {name: value for name, value in made.state_dict().items() if name.endswith("num_batches_tracked")}
    made.load_state_dict({name: torch.from_numpy(value) for name, value in parameters.items()} | counters)
    return made.eval().requires_grad_(False)

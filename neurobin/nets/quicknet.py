"""QuickNet (Bannink et al. 2021, Larq Compute Engine, arXiv 2011.09398, sec. 4): fast stem, blocks of one convolution.

    stem        conv 3x3 stride 2 to C/4, BN, ReLU -> depthwise 3x3 stride 2, BN not learned -> 1x1 to C, BN
    block       sign -> binary 3x3 padded with +1 -> ReLU -> BN -> + x
    transition  ReLU -> max pool 2 stride 1 -> fixed blur 3x3 stride 2, [1 2 1] x [1 2 1] / 16 -> real 1x1 -> BN
    head        ReLU -> global average pool -> dense

The blur before subsampling (Zhang 2019, arXiv 1904.11486) is a depthwise convolution that is not trained; papers count its
weights, and so do we.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from neurobin.ir import Builder, Constant
from neurobin.ir.dtype import i
from neurobin.nets.ends import Conv, real_conv
from neurobin.nets.norms import plain_norm2d
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nets.task import Task
from neurobin.nn.emit import real
from neurobin.ops.conv2d import Conv2d


@dataclass(frozen=True)
class QuickBlocks:
    """`blocks` of one width; where width or map size change, a transition stands before the block."""

    blocks: ShortcutBlocks
    whole_blur: bool = False  # emit the blur in whole numbers and 1/16, which deploy exactly

    def __call__(self, inputs: int, outputs: int, stride: int) -> nn.Module:
        """Real [N, C, H, W] -> real [N, O, H', W'], H' = H/2 rounded up after the pool took one pixel, for stride 2."""
        block = self.blocks(outputs, outputs, 1)
        if inputs == outputs and stride == 1:
            return block
        return nn.Sequential(OrderedDict(transition=self.transition(inputs, outputs, stride), block=block))

    def transition(self, inputs: int, outputs: int, stride: int) -> nn.Module:
        """ReLU, blurred max pool where the map is halved, real 1x1 convolution and batch norm."""
        parts: OrderedDict[str, nn.Module] = OrderedDict(act=nn.ReLU())
        if stride > 1:
            blurred = WholeBlur(inputs, stride) if self.whole_blur else blur(inputs, stride)
            parts |= {"pool": nn.MaxPool2d(2, 1), "blur": blurred}
        parts |= {"conv": nn.Conv2d(inputs, outputs, 1, bias=False), "norm": nn.BatchNorm2d(outputs)}
        return nn.Sequential(parts)


class WholeBlur(nn.Module):
    """[N, C, H, W] -> [N, C, H/stride, W/stride], rounded up: `blur` with the weights 1, 2 and 4 and the scale 1/16."""

    filters: Tensor

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride
        line = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("filters", (line[:, None] * line).repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.filters, stride=self.stride, padding=1, groups=self.channels) / 16

    def emit(self, b: Builder, *inputs: str) -> str:
        weight = Constant(i(8), self.filters.cpu().numpy().astype(np.int64).transpose(0, 2, 3, 1))
        op = Conv2d(weight, real(1 / 16), stride=(self.stride,) * 2, padding=(1,) * 4, groups=self.channels)
        return b.add(op, *inputs)

    def extra_repr(self) -> str:
        return f"channels={self.channels}, stride={self.stride}"


def blur(channels: int, stride: int) -> nn.Module:
    """The fixed binomial filter on every channel of its own; its weights are multiples of 1/16 and never trained."""
    conv = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, groups=channels, bias=False)
    line = torch.tensor([1.0, 2.0, 1.0]) / 4
    conv.weight = nn.Parameter((line[:, None] * line).repeat(channels, 1, 1, 1), requires_grad=False)
    return conv


def quick_stem(task: Task, outputs: int, *, conv: Conv = real_conv) -> nn.Module:
    """[N, C, H, W] -> [N, outputs, H/4, W/4]; images below 50 pixels are halved once at most, below 16 not at all."""
    quarter = outputs // 4
    second = 2 if min(task.height, task.width) >= SMALL_IMAGE else 1
    return nn.Sequential(
        conv(task.channels, quarter, 3, stride=task.stem_stride, padding=1),
        nn.BatchNorm2d(quarter),
        nn.ReLU(),
        conv(quarter, quarter, 3, stride=second, padding=1, groups=quarter),
        plain_norm2d(quarter),
        conv(quarter, outputs, 1),
        nn.BatchNorm2d(outputs),
    )


SMALL_IMAGE = 50

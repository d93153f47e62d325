"""Blocks of one binary convolution bridged by a real shortcut (Liu et al. 2018, Bi-Real Net, arXiv 1808.00278, fig. 3b).

    x -> [before] -> activation -> conv -> [between] -> norm -> [after] -> + shortcut(x) -> [last]

The parts in brackets are what later papers added: batch norm before the sign (Real-to-Binary), ReLU behind the convolution
(QuickNet, before the norm), PReLU before the sum (Real-to-Binary) or RPReLU behind it (ReActNet). Where a block halves the
map or changes the width, the shortcut is an average pool 2x2, a real 1x1 convolution and batch norm.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from neurobin.nets.ends import Activation, Conv, Norm, norm2d


@dataclass(frozen=True)
class ShortcutBlocks:
    """The parts that all blocks of a network share; calling it makes the block of one place in the network."""

    conv: Conv
    activation: Activation
    before: Norm | None = None
    between: Activation | None = None
    norm: Norm | None = norm2d
    after: Activation | None = None
    last: Activation | None = None
    kernel: int = 3
    shortcut: Callable[[int, int, int], nn.Module] | None = None  # inputs, outputs, stride; None: `downsample`

    def __call__(self, inputs: int, outputs: int, stride: int) -> nn.Module:
        """Real [N, C, H, W] -> real [N, O, H/stride, W/stride]."""
        return ShortcutBlock(self, inputs, outputs, stride)


class ShortcutBlock(nn.Module):
    """One block: `path` is what the convolution adds to `shortcut`."""

    def __init__(self, parts: ShortcutBlocks, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        chosen = {
            "before": parts.before and parts.before(inputs),
            "act": parts.activation(inputs),
            "conv": parts.conv(inputs, outputs, parts.kernel, stride=stride, padding=parts.kernel // 2),
            "between": parts.between and parts.between(outputs),
            "norm": parts.norm and parts.norm(outputs),
            "after": parts.after and parts.after(outputs),
        }
        self.path = nn.Sequential(OrderedDict((name, part) for name, part in chosen.items() if part is not None))
        meet = parts.shortcut or downsample
        self.shortcut = nn.Identity() if inputs == outputs and stride == 1 else meet(inputs, outputs, stride)
        self.last = nn.Identity() if parts.last is None else parts.last(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.path(x) + self.shortcut(x))
        return y


def downsample(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Average pool, real 1x1 convolution, batch norm."""
    conv = nn.Conv2d(inputs, outputs, 1, bias=False)
    pool = {"pool": nn.AvgPool2d(stride)} if stride > 1 else {}
    return nn.Sequential(OrderedDict(**pool, conv=conv, norm=nn.BatchNorm2d(outputs)))


def pooled(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Average pool alone, for blocks that halve the map and keep the channels."""
    return nn.AvgPool2d(stride)

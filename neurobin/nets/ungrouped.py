"""The common network with filters that see all channels, also where images are small and it would group them.

A group of 8 channels is a fan-in of 72: enough for most methods, too little for those whose gradients pass sharp functions
as they are.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from torch import nn

from neurobin.nets.ends import Conv
from neurobin.nets.task import Task
from neurobin.nets.vgg import Vgg


@dataclass(frozen=True)
class Ungrouped:
    """`net` without groups and their shuffles; a core has no room for it."""

    net: Vgg

    def __call__(self, task: Task) -> nn.Module:
        task.refuse_core("its filters see all channels of their input, 288 values and more")
        hidden = self.net.hidden if isinstance(self.net.hidden, tuple) else (self.net.hidden,)
        whole = tuple(_Whole(conv) for conv in hidden)
        module = replace(self.net, hidden=whole if len(whole) > 1 else whole[0])(task)
        kept = ((name, part) for name, part in module.named_children() if not isinstance(part, nn.ChannelShuffle))
        return nn.Sequential(OrderedDict(kept))


@dataclass(frozen=True)
class _Whole:
    """`conv` with one group, whatever is asked for."""

    conv: Conv

    def __call__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0, groups: int = 1
    ) -> nn.Module:
        return self.conv(inputs, outputs, kernel, stride=stride, padding=padding)

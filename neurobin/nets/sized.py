"""Networks whose layers hold something per position of their maps: built by showing them one empty image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from neurobin.nets.task import Task, topology


@dataclass(frozen=True)
class Sized:
    """`net` with every parameter at the size that the task's images lead to, before anything else sees the network."""

    net: Callable[[Task], nn.Module]

    @property
    def topology(self) -> str:
        """That of `net`."""
        return topology(self.net)

    def __call__(self, task: Task) -> nn.Module:
        module = self.net(task)
        with torch.no_grad():
            module.eval()(torch.zeros(1, task.channels, task.height, task.width))
        return module.train()

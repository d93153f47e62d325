"""Several networks whose class scores are added: a soft vote (Zhu et al. 2019, BENN, arXiv 1806.07550)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from neurobin.nets.task import Task, topology


@dataclass(frozen=True)
class Ensemble:
    """`count` networks of one architecture, each with its own start."""

    member: Callable[[Task], nn.Module]
    count: int = 3

    @property
    def topology(self) -> str:
        """That of `member`."""
        return topology(self.member)

    def __call__(self, task: Task) -> nn.Module:
        task.refuse_core("the scores of several networks need an adder, which a core lacks")
        return Voters(self.member(task) for _ in range(self.count))


class Voters(nn.Module):
    """[N, C, H, W] raw pixels -> the sum of the members' logits [N, classes]."""

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        first, *others = (member(x) for member in self.members)
        total: Tensor = sum(others, start=first)
        return total

"""`Architecture`: a network of the literature at its own size, under a name, with the stems it was published with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from neurobin.errors import UsageError
from neurobin.nets.task import Task

Network = Callable[[Task], nn.Module]

IMAGENET = Task(224, 224, 3, 1000, 256)
CIFAR10 = Task(32, 32, 3, 10, 256)
MNIST = Task(28, 28, 1, 10, 256)


@dataclass(frozen=True)
class Architecture:
    """`stems` holds the networks by name of their stem, the usual one first; one without a choice has the name "".

    `source` says where the layers are written down; `notes` what was left open there, or is done otherwise here.
    """

    name: str
    title: str
    source: str
    stems: Mapping[str, Network]
    task: Task = field(default=IMAGENET)
    notes: tuple[str, ...] = ()

    def network(self, stem: str | None = None) -> Network:
        """The network with that stem, or the usual one. Raises UsageError naming the stems that were published."""
        if stem is None:
            return next(iter(self.stems.values()))
        if stem not in self.stems:
            named = [repr(name) for name in self.stems if name]
            hint = f"its stems are {' and '.join(named)}" if named else "leave out --stem"
            raise UsageError(f"{self.name} was not published with stem {stem!r}", hint=hint)
        return self.stems[stem]


def only(network: Network) -> Mapping[str, Network]:
    """The stems of an architecture that has one."""
    return {"": network}

"""The published architectures at their own size, untrained: one file per family, whose `NETS` is the list of its members.

`names` and `build` find them by reading the files of this folder; a new architecture is an entry in a file's `NETS`, a new
family a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

import torch
from torch import nn

from neurobin.errors import UsageError, nearest
from neurobin.nets.published._architecture import Architecture
from neurobin.nets.task import Task

__all__ = ["Architecture", "architectures", "build", "find", "names"]


@cache
def architectures() -> Mapping[str, Architecture]:
    """All architectures by name, in order of the files and of their lists. Raises UsageError when two share a name."""
    found: dict[str, Architecture] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if module.name.startswith("_"):
            continue
        nets: tuple[Architecture, ...] = importlib.import_module(f"{__name__}.{module.name}").NETS
        for net in nets:
            if net.name in found:
                raise UsageError(f"two architectures are called {net.name!r}", where=module.name)
            found[net.name] = net
    return found


def names() -> list[str]:
    """The names of all architectures, sorted."""
    return sorted(architectures())


def find(name: str) -> Architecture:
    """The architecture of that name. Raises UsageError with the nearest names otherwise."""
    if name not in architectures():
        raise UsageError(f"no architecture {name!r}", hint=nearest(name, names(), "neurobin count --all lists them"))
    return architectures()[name]


def build(name: str, *, stem: str | None = None, task: Task | None = None, seed: int = 0) -> nn.Module:
    """The untrained network for raw images of the paper's task, or of another one, with random weights drawn from `seed`.

    `neurobin.frontend.torch.from_torch` makes its graph. Raises UsageError for an unknown name or stem, or when the network
    does not fit the task.
    """
    found = find(name)
    network = found.network(stem)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network(task or found.task).eval()

"""Which kernel serves each node: the one with the fewest nominal cycles, as far as RAM and flash allow.

cycles   of the kernel at the nominal constants; on a tie the one that stands first in its table
RAM      where the arena does not fit with the chosen kernels' scratch buffers, kernels without any
flash    where the constants do not fit, steps to leaner kernels, fewest cycles lost per byte saved first
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from hwmodels.mcu import arena
from hwmodels.mcu.arena import ALIGNMENT
from hwmodels.mcu.charge import merged
from hwmodels.mcu.chip import McuChip
from hwmodels.mcu.kernels import ELEMENTWISE, HEADS, Head, Site
from hwmodels.mcu.schedule import Schedule, schedule
from neurobin.ir import Graph, Node

Prefer = Literal["", "direct", "gathered", "expanded", "unpacked"]


@dataclass(frozen=True, eq=False)
class Option:
    """A kernel that can serve a node, with its whole cycles (element-wise nodes behind it aside) and flash bytes."""

    chip: McuChip
    site: Site
    head: Head

    @cached_property
    def cycles(self) -> int:
        return sum(charge.cycles(self.chip.cycles) for charge in merged(self.head.charge(self.site)))

    @cached_property
    def flash_bytes(self) -> int:
        return _stored_bytes(self.head.constants(self.site))


def options(chip: McuChip, site: Site) -> tuple[Option, ...]:
    """The kernels that can compute a node; the op's first one (to be named in the refusal) where none can."""
    heads = HEADS[site.op.name]
    able = tuple(head for head in heads if not head.refuse(site)) or heads[:1]
    return tuple(Option(chip, site, head) for head in able)


def choose(chip: McuChip, graph: Graph, nodes: Iterable[Node], prefer: Prefer = "", scratch: bool = True) -> dict[str, Head]:
    """The kernel of every node that is not element-wise.

    `prefer` names one to take wherever it can serve, at whatever cost. Without `scratch`, kernels with buffers of their
    own are left out.
    """
    sites = [Site.of(node, graph.types) for node in nodes]
    fixed = sum(_stored_bytes(ELEMENTWISE[s.op.name].constants(s)) for s in sites if s.op.name in ELEMENTWISE)
    able = {site.node.name: options(chip, site) for site in sites if site.op.name in HEADS}
    if not scratch:
        able = {name: tuple(o for o in found if not o.head.scratch_bytes(o.site)) for name, found in able.items()}
    chosen = {}
    for name, found in able.items():
        wanted = [option for option in found if option.head.name == prefer]
        chosen[name] = min(wanted or found, key=lambda option: option.cycles)
    if not prefer:
        chosen = _lean(able, chosen, chip.flash.value - fixed)
    return {name: option.head for name, option in chosen.items()}


def planned(chip: McuChip, graph: Graph, prefer: Prefer = "") -> Schedule:
    """The schedule with the chosen kernels."""
    plan = schedule(graph, choose(chip, graph, graph.nodes, prefer))
    if prefer or arena.peak(plan.buffers, arena.plan(plan.buffers)) <= chip.sram.value:
        return plan
    return schedule(graph, choose(chip, graph, graph.nodes, scratch=False))


def _lean(able: Mapping[str, tuple[Option, ...]], chosen: dict[str, Option], room_bytes: float) -> dict[str, Option]:
    """`chosen` with steps to leaner kernels until the constants fit, or until no step is left."""
    while sum(option.flash_bytes for option in chosen.values()) > room_bytes:
        steps = [
            ((option.cycles - now.cycles) / (now.flash_bytes - option.flash_bytes), name, option)
            for name, now in chosen.items()
            for option in able[name]
            if option.flash_bytes < now.flash_bytes
        ]
        if not steps:
            break
        _, name, option = min(steps, key=lambda step: step[:2])
        chosen = chosen | {name: option}
    return chosen


def _stored_bytes(arrays: Mapping[str, np.ndarray]) -> int:
    """Flash that a node's constants take, each aligned to words."""
    return sum(-(-array.nbytes // ALIGNMENT) * ALIGNMENT for array in arrays.values())

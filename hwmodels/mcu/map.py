"""`McuMapping`: a network placed in RAM and flash, with everything that execution and prices read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hwmodels.mcu import arena
from hwmodels.mcu.chip import McuChip
from hwmodels.mcu.choose import Option, Prefer, options, planned
from hwmodels.mcu.flash import Section, lay_out
from hwmodels.mcu.kernels import ELEMENTWISE, Head, Site
from hwmodels.mcu.layout import Layout
from hwmodels.mcu.schedule import Kernel, Schedule
from hwmodels.target import Resource, Span
from neurobin.ir import Graph, Json, Node


@dataclass(frozen=True, eq=False)
class McuMapping:
    """RAM addresses of every buffer, flash sections and their bytes, and the kernels in order."""

    chip: McuChip
    schedule: Schedule
    placement: Mapping[str, int]
    sections: tuple[Section, ...]
    image: np.ndarray

    @property
    def graph(self) -> Graph:
        return self.schedule.graph

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        return self.schedule.kernels

    @property
    def layouts(self) -> Mapping[str, Layout]:
        return self.schedule.layouts

    @property
    def addresses(self) -> dict[str, int]:
        """The address of every tensor in memory, views included, and of every kernel's scratch."""
        return {**self.placement, **{name: self.placement[self.schedule.root(name)] for name in self.layouts}}

    @property
    def ram_bytes(self) -> int:
        return arena.peak(self.schedule.buffers, self.placement)

    @property
    def resources(self) -> tuple[Resource, ...]:
        return (
            Resource("SRAM", self.ram_bytes, self.chip.sram.value, "B"),
            Resource("flash", len(self.image), self.chip.flash.value, "B"),
        )

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(kernel.name for kernel in self.kernels)

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        end = max(len(self.kernels) - 1, 0)
        ram = (Span(b.name, "SRAM", self.placement[b.name], b.size_bytes, b.first, b.last) for b in self.schedule.buffers)
        flash = (Span(f"{s.node}.{s.field}", "flash", s.address, s.size_bytes, 0, end) for s in self.sections)
        return (*ram, *flash)

    def summary(self) -> dict[str, Json]:
        buffers = self.schedule.buffers
        step = arena.busiest_step(buffers)
        without_input = [b for b in buffers if b.name not in self.graph.inputs]
        alone = [replace(b, in_place=None) if b.in_place in self.graph.inputs else b for b in without_input]
        by_field: dict[str, Json] = {}
        for section in self.sections:
            by_field[section.field] = int(str(by_field.get(section.field, 0))) + section.size_bytes
        return {
            "sram_bytes": self.ram_bytes,
            "sram_lower_bound_bytes": arena.lower_bound(buffers),
            "sram_without_input_bytes": arena.peak(alone, arena.plan(alone)),
            "peak_step": self.steps[step] if self.steps else None,
            "alive_at_peak": {b.name: b.size_bytes for b in arena.live(buffers, step)},
            "flash_bytes": len(self.image),
            "flash_by_field": by_field,
            "in_place": {b.name: b.in_place for b in buffers if b.in_place and self._replaced(b)},
            "aliases": dict(self.schedule.alias),
            "kernels": self._kernels(),
            "code_bytes": None,
            "stack_bytes": None,
            "not_modelled": ["code size (compiler and run-time library)", "stack and run-time data in SRAM"],
        }

    def _kernels(self) -> dict[str, Json]:
        """Where several kernels could serve: the chosen one, what each would take, and its memory."""
        found: dict[str, Json] = {}
        for kernel in self.kernels:
            offers = options(self.chip, kernel.sites[0]) if kernel.head is not None else ()
            if kernel.head is not None and len(offers) > 1:
                found[kernel.name] = _decision(kernel, kernel.head, {offer.head.name: offer for offer in offers})
        return found

    def _replaced(self, buffer: arena.Buffer) -> bool:
        return buffer.in_place is not None and self.placement[buffer.name] == self.placement[buffer.in_place]


def _decision(kernel: Kernel, head: Head, offers: Mapping[str, Option]) -> Json:
    """The chosen kernel beside the direct one, which stands first."""
    first = next(iter(offers.values()))
    return {
        "kernel": head.name,
        "cycles": {name: offer.cycles for name, offer in offers.items()},
        "scratch_bytes": kernel.scratch_bytes,
        "flash_bytes": offers[head.name].flash_bytes,
        "flash_growth_bytes": offers[head.name].flash_bytes - first.flash_bytes,
    }


def flash_constants(graph: Graph, nodes: Iterable[Node], heads: Mapping[str, Head]) -> Iterator[tuple[str, str, np.ndarray]]:
    """(node, field, array as stored) of every constant of these nodes; a view that needs no kernel has none."""
    for node in nodes:
        site = Site.of(node, graph.types)
        entry = heads.get(node.name) or ELEMENTWISE.get(node.op.name)
        if entry is not None:
            for field, array in entry.constants(site).items():
                yield node.name, field, array


def place(chip: McuChip, graph: Graph, prefer: Prefer = "") -> McuMapping:
    """Schedule, RAM addresses and flash image of a graph that `check` accepts."""
    plan = planned(chip, graph, prefer)
    heads = {kernel.name: kernel.head for kernel in plan.kernels if kernel.head is not None}
    sections, image = lay_out(flash_constants(graph, graph.nodes, heads))
    return McuMapping(chip, plan, arena.plan(plan.buffers), sections, image)

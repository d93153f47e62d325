"""Why a graph does not fit: every reason at once, each with its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from hwmodels.mcu import arena
from hwmodels.mcu.chip import McuChip
from hwmodels.mcu.choose import Prefer, choose, options, planned
from hwmodels.mcu.flash import lay_out
from hwmodels.mcu.kernels import ELEMENTWISE, HEADS, Site
from hwmodels.mcu.layout import layout_of
from hwmodels.mcu.map import flash_constants
from hwmodels.target import Issue
from neurobin.errors import UnsupportedError
from neurobin.ir import Graph, Node


def check(chip: McuChip, graph: Graph, prefer: Prefer = "") -> list[Issue]:
    """Interface, element types, kernels, flash and RAM. RAM needs every type, so it is left out while one is refused."""
    issues = list(_interface(graph))
    bad_types = list(_types(graph))
    issues += bad_types
    stored = {issue.node for issue in bad_types}
    typed = [node for node in graph.nodes if not stored & {node.name, *node.inputs}]
    issues += _kernels(chip, graph, typed)
    issues += _flash(chip, graph, [node for node in typed if _known(node)], prefer)
    if not bad_types:
        issues += _ram(chip, graph, prefer)
    return issues


def _known(node: Node) -> bool:
    return node.op.name in HEADS or node.op.name in ELEMENTWISE


def _interface(graph: Graph) -> Iterator[Issue]:
    for what, names in (("input", tuple(graph.inputs)), ("output", graph.outputs)):
        if len(names) != 1:
            yield Issue("", f"expected one {what}, the graph has {len(names)}: {', '.join(names)}")


def _types(graph: Graph) -> Iterator[Issue]:
    for name, kind in graph.types.items():
        try:
            layout_of(kind)
        except UnsupportedError as error:
            yield Issue(name, error.what)


def _kernels(chip: McuChip, graph: Graph, nodes: list[Node]) -> Iterator[Issue]:
    for node in nodes:
        if not _known(node):
            yield Issue(node.name, f"there is no integer kernel for {node.op.name}; lower the network first")
        elif node.op.name in HEADS:
            option = options(chip, Site.of(node, graph.types))[0]
            reason = option.head.refuse(option.site)
            if reason:
                yield Issue(node.name, reason)


def _flash(chip: McuChip, graph: Graph, nodes: list[Node], prefer: Prefer) -> Iterator[Issue]:
    sections, image = lay_out(flash_constants(graph, nodes, choose(chip, graph, nodes, prefer)))
    if len(image) > chip.flash.value:
        largest = sorted(sections, key=lambda section: -section.size_bytes)[:3]
        split = ", ".join(f"{s.node}.{s.field} {s.size_bytes} B" for s in largest)
        room = f"the chip has {chip.flash.value:.0f} B"
        yield Issue("", f"constants take {len(image)} B of flash, {room} (largest: {split}; code not counted)")


def _ram(chip: McuChip, graph: Graph, prefer: Prefer) -> Iterator[Issue]:
    plan = planned(chip, graph, prefer)
    buffers = plan.buffers
    needed = arena.peak(buffers, arena.plan(buffers))
    if needed > chip.sram.value:
        step = arena.busiest_step(buffers)
        alive = ", ".join(f"{b.name} {b.size_bytes} B" for b in arena.live(buffers, step))
        where = plan.kernels[step].name if plan.kernels else "start"
        yield Issue(
            "", f"activations take {needed} B of SRAM, the chip has {chip.sram.value:.0f} B (alive in {where}: {alive})"
        )

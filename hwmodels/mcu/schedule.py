"""The schedule: which stages run as kernels and which only rename bytes, and when each buffer is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from hwmodels.fusion import Stage, stages
from hwmodels.mcu.arena import Buffer
from hwmodels.mcu.charge import Charge, merged
from hwmodels.mcu.kernels import ELEMENTWISE, Head, Site, elementwise
from hwmodels.mcu.kernels.move import is_alias
from hwmodels.mcu.kernels.site import scratch_name
from hwmodels.mcu.layout import Layout, layout_of
from neurobin.ir import Graph


@dataclass(frozen=True)
class Kernel:
    """A stage that runs: an optional head of its own and the chain of element-wise nodes behind it, in registers.

    `head` is None where the first node is element-wise itself and reads memory by plain loads.
    """

    stage: Stage
    sites: tuple[Site, ...]
    head: Head | None

    @property
    def name(self) -> str:
        return self.stage.name

    @property
    def output(self) -> str:
        return self.stage.output

    @property
    def result(self) -> Layout:
        return self.sites[-1].output

    @property
    def scratch_bytes(self) -> int:
        """RAM that is the kernel's own while it runs."""
        return 0 if self.head is None else self.head.scratch_bytes(self.sites[0])

    @property
    def chain(self) -> tuple[Site, ...]:
        """The element-wise nodes."""
        return self.sites if self.head is None else self.sites[1:]

    def charges(self) -> dict[str, tuple[Charge, ...]]:
        """What the kernel asks of the core, by node: each node its own work, the last one the stores."""
        found: dict[str, list[Charge]] = {site.node.name: [] for site in self.sites}
        head, first = self.head, self.sites[0]
        in_words = head is not None and head.in_words(first)
        if head is not None:
            found[first.node.name] += head.charge(first)
        else:
            found[first.node.name] += [Charge("call", 1), Charge("loop", first.output.elements)]
        if in_words and self.chain:
            found[first.node.name].append(Charge("element", 2 * first.output.elements * first.output.planes))
        previous = "" if head is None else first.node.name
        for site in self.chain:
            mine = found[site.node.name]
            for name, layout in zip(site.node.inputs, site.inputs, strict=True):
                mine += elementwise.load(layout) if name != previous else []
            mine += elementwise.charge(site, ELEMENTWISE[site.op.name])
            previous = site.node.name
        found[self.output] += elementwise.store(self.result, in_words and not self.chain)
        return {name: merged(charges) for name, charges in found.items()}


@dataclass(frozen=True)
class Schedule:
    """Kernels in order, and for every tensor that another one's bytes already hold, that other tensor."""

    graph: Graph
    kernels: tuple[Kernel, ...]
    alias: Mapping[str, str]

    def root(self, tensor: str) -> str:
        """The tensor whose buffer holds `tensor`."""
        while tensor in self.alias:
            tensor = self.alias[tensor]
        return tensor

    @cached_property
    def layouts(self) -> Mapping[str, Layout]:
        """By tensor in memory: inputs, kernel results and their views."""
        stored = (*self.graph.inputs, *self.alias, *(kernel.output for kernel in self.kernels))
        return {name: layout_of(self.graph.types[name]) for name in stored}

    @cached_property
    def buffers(self) -> tuple[Buffer, ...]:
        """One per stored tensor with its lifetime in kernel steps; inputs live from the start, outputs to the end.

        A kernel's scratch lives in its own step only.
        """
        made = dict.fromkeys(self.graph.inputs, 0) | {kernel.output: k for k, kernel in enumerate(self.kernels)}
        last = dict(made)
        for step, kernel in enumerate(self.kernels):
            for name in kernel.stage.inputs:
                last[self.root(name)] = step
        final = max(len(self.kernels) - 1, 0)
        last |= {self.root(name): final for name in self.graph.outputs}
        kept = {self.root(name) for name in self.graph.outputs}
        producer = {kernel.output: kernel for kernel in self.kernels}
        buffers = []
        for name, step in made.items():
            partner = _replaceable(self, producer[name], step, last, kept) if name in producer else None
            buffers.append(Buffer(name, self.layouts[name].size_bytes, step, last[name], partner))
        for step, kernel in enumerate(self.kernels):
            if kernel.scratch_bytes:
                buffers.append(Buffer(scratch_name(kernel.sites[0].node), kernel.scratch_bytes, step, step))
        return tuple(buffers)


def schedule(graph: Graph, heads: Mapping[str, Head]) -> Schedule:
    """Stages as kernels with the chosen `heads` by node; a view alone whose bytes lie right already becomes an alias.

    Needs integer types throughout.
    """
    kernels: list[Kernel] = []
    alias: dict[str, str] = {}
    for stage in stages(graph):
        sites = tuple(Site.of(node, graph.types) for node in stage.nodes)
        if len(sites) == 1 and stage.head.op.view and is_alias(sites[0]):
            alias[stage.output] = stage.inputs[0]
        else:
            kernels.append(Kernel(stage, sites, heads.get(stage.head.name)))
    return Schedule(graph, tuple(kernels), alias)


def _replaceable(plan: Schedule, kernel: Kernel, step: int, last: Mapping[str, int], kept: set[str]) -> str | None:
    """The largest input that dies in this step and that the result may overwrite while it is being read."""
    elementwise_reads = {name for site in kernel.chain for name in site.node.inputs}
    head_reads = set() if kernel.head is None else set(kernel.sites[0].node.inputs)
    found: dict[str, int] = {}
    for root in {plan.root(name) for name in kernel.stage.inputs}:
        readers = [name for name in kernel.stage.inputs if plan.root(name) == root]
        safe = all(
            name in elementwise_reads and name not in head_reads and _keeps_ahead(plan.layouts[name], kernel.result)
            for name in readers
        )
        if safe and last[root] == step and root not in kept:
            found[root] = plan.layouts[root].size_bytes
    return max(sorted(found), key=lambda name: found[name]) if found else None


def _keeps_ahead(source: Layout, result: Layout) -> bool:
    """Reading element by element never falls behind writing at the same start address.

    Arrays: the result's element is no wider. Planes to planes: the same words are read and written. An array of s-byte
    elements into one plane: a pixel's words end at 4 W (p + 1) <= C s (p + 1), where its last element was read.
    """
    if source.grid != result.grid or (source.packed and not result.packed):
        return False
    if not result.packed:
        return result.item.itemsize <= source.item.itemsize
    if source.packed:
        return source.planes == result.planes
    return result.planes == 1 and 4 * result.words <= result.channels * source.item.itemsize

"""A graph on the overlay: for every stage its products (sides, passes), its vector work, and its places in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from functools import cached_property

from hwmodels.bitserial import pipeline
from hwmodels.bitserial.chip import BitSerialChip, Clocks
from hwmodels.bitserial.lower import PRODUCTS, Layer, lower
from hwmodels.bitserial.memory import MEMORY, Buffer, place, top
from hwmodels.bitserial.tiling import Gemm, gemm, passes
from hwmodels.bitserial.vector import Elementary, Pass, elementary, moves, stored_bytes
from hwmodels.fusion import Stage, stages
from hwmodels.target import Resource, Span
from neurobin.ir import Graph, Json, Node


@dataclass(frozen=True, eq=False)
class Product:
    """A layer on the array. `slices` are the passes over K of one group; `layout` writes the activation's bit planes."""

    layer: Layer
    weights_are_lhs: bool
    slices: tuple[Gemm, ...]
    layout: Pass
    map_reads: int  # how often the layout reads the map from DRAM

    @property
    def runs(self) -> tuple[Gemm, ...]:
        """Every product in the order in which the array works, group by group."""
        return self.slices * self.layer.groups

    @cached_property
    def counted(self) -> tuple[tuple[Gemm, int], ...]:
        """Every different product and how often it runs."""
        return tuple(Counter(self.runs).items())

    @property
    def result_bytes(self) -> int:
        """All results in DRAM, whole tiles."""
        return sum(run.written_bytes for run in self.runs)

    @property
    def weight_bytes(self) -> int:
        """The packed, padded weights in DRAM."""
        return sum(run.lhs_bytes if self.weights_are_lhs else run.rhs_bytes for run in self.runs)

    @property
    def activation_bytes(self) -> int:
        """The packed, padded, unrolled activation in DRAM."""
        return sum(run.rhs_bytes if self.weights_are_lhs else run.lhs_bytes for run in self.runs)


@dataclass(frozen=True, eq=False)
class Step:
    """One stage: an optional product on the array, then one pass of the vector unit over its result.

    `work` holds the pass's elementary operations by node, `parameter_bytes` and `map_bytes` what it reads from DRAM.
    """

    stage: Stage
    product: Product | None
    vector: Pass
    work: MappingOf[str, tuple[Elementary, ...]]
    parameter_bytes: int
    sum_bytes: int  # results of the array
    map_bytes: int  # other tensors

    @property
    def name(self) -> str:
        return self.stage.name


@dataclass(frozen=True, eq=False)
class BitSerialMapping:
    """The mapped artefact: execution, price and simulation all read this plan and nothing else."""

    chip: BitSerialChip
    graph: Graph
    plan: tuple[Step, ...]
    spans: tuple[Span, ...]
    weight_bytes: int

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.plan)

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Operand buffers first: the rings of regions that the largest stripes need."""
        regions, chip = int(self.chip.buffers.regions.value), self.chip
        runs = [run for step in self.plan if step.product for run in step.product.slices]
        lhs = regions * max((run.lhs_stripe_bytes for run in runs), default=0)
        rhs = regions * max((run.rhs_stripe_bytes for run in runs), default=0)
        both = regions * max((run.lhs_stripe_bytes + run.rhs_stripe_bytes for run in runs), default=0)
        return (
            Resource("on-chip buffers", both, chip.lhs_bytes + chip.rhs_bytes, "B"),
            Resource("LHS buffer", lhs, chip.lhs_bytes, "B"),
            Resource("RHS buffer", rhs, chip.rhs_bytes, "B"),
            Resource(MEMORY, top(self.spans, self.weight_bytes), int(chip.port.dram.value), "B"),
        )

    def summary(self) -> dict[str, Json]:
        from hwmodels.bitserial.summary import summarise

        return summarise(self)


def plan_of(chip: BitSerialChip, graph: Graph) -> tuple[Step, ...]:
    """All stages in order. Every node must have passed the target's check."""
    clocks = chip.timings()
    return tuple(_step(chip, clocks, graph, stage) for stage in stages(graph))


def memory_of(graph: Graph, plan: tuple[Step, ...]) -> tuple[tuple[Span, ...], int]:
    """Spans of tensors and work buffers, and the bytes of weights and parameters that lie below them."""
    fixed = sum(step.parameter_bytes + (step.product.weight_bytes if step.product else 0) for step in plan)
    return place(_buffers(graph, plan), fixed), fixed


def _step(chip: BitSerialChip, clocks: Clocks, graph: Graph, stage: Stage) -> Step:
    on_array = stage.head.op.name in PRODUCTS
    product = _product(chip, clocks, graph, stage.head) if on_array else None
    on_vector = stage.epilogue if on_array else stage.nodes
    work: dict[str, tuple[Elementary, ...]] = {}
    parameters = 0
    if product is not None:
        layer = product.layer
        work[stage.name] = _corrections(chip, product)
        parameters += (
            layer.border_classes * layer.groups * layer.filters * int(chip.port.result.value) if layer.corrected else 0
        )
    for node in on_vector:
        work[node.name] = elementary(node.op, [graph.types[name] for name in node.inputs], graph.types[node.name])
        parameters += sum(-(-constant.bits // 8) for constant in node.op.constants().values())
    inside = {node.name for node in stage.nodes}
    read = dict.fromkeys(name for node in on_vector for name in node.inputs if name not in inside)
    maps = sum(stored_bytes(graph.types[name]) for name in read)
    sums = _sums(chip, product)
    idle = not on_array and not any(moves(node.op) for node in stage.nodes)
    counts = tuple(sum(e.count for e in made) for made in work.values())
    vector = Pass() if idle else Pass(counts, parameters + maps + sums, stored_bytes(graph.types[stage.output]))
    return Step(stage, product, vector, work, parameters, sums, 0 if idle else maps)


def _sums(chip: BitSerialChip, product: Product | None) -> int:
    """Bytes of array results that the vector unit reads back: those of real rows and columns only."""
    if product is None:
        return 0
    layer = product.layer
    return layer.groups * len(product.slices) * layer.positions * layer.rows * int(chip.port.result.value)


def _corrections(chip: BitSerialChip, product: Product) -> tuple[Elementary, ...]:
    """Sums over passes, minus the ones filter, plus the border constant: additions of accumulator width.

    A factor 2^k is wiring; the ones filter's factor 2^k - 1 of a k-bit weight (k > 1) is one subtraction per position.
    """
    layer = product.layer
    results = layer.groups * layer.positions * layer.filters
    adds = (len(product.slices) - 1) * layer.groups * layer.positions * layer.rows
    adds += results * (int(layer.ones) + int(layer.corrected))
    adds += layer.groups * layer.positions if layer.ones and layer.weight.bits > 1 else 0
    return (Elementary("add", adds, int(chip.array.accumulator.value)),) if adds else ()


def _product(chip: BitSerialChip, clocks: Clocks, graph: Graph, node: Node) -> Product:
    """The layer with the operand order that takes fewer cycles; weights are the LHS on a tie."""
    layer = lower(chip, graph, node)
    choices = []
    for weights_are_lhs in (True, False):
        slices = passes(chip, whole_product(chip, layer, weights_are_lhs))
        if slices:
            total = sum(product_cycles(chip, clocks, run) * count for run, count in Counter(slices).items())
            choices.append((total, not weights_are_lhs, slices))
    _, activations_are_lhs, slices = min(choices, key=lambda choice: choice[:2])
    layout, reads = _layout(chip, graph, node, layer, slices, activations_are_lhs)
    return Product(layer, not activations_are_lhs, slices, layout, reads)


def product_cycles(chip: BitSerialChip, clocks: Clocks, run: Gemm) -> int:
    """Exact cycles of one product (`pipeline.cycles`) on this chip."""
    return pipeline.cycles(run, clocks, int(chip.tokens.free_regions.value), int(chip.tokens.result_buffers.value))


def whole_product(chip: BitSerialChip, layer: Layer, weights_are_lhs: bool) -> Gemm:
    """One group of the layer as one product, before K is split."""
    w, a = (layer.rows, layer.weight.bits), (layer.positions, layer.activation.bits)
    (m, lhs_bits), (n, rhs_bits) = (w, a) if weights_are_lhs else (a, w)
    return gemm(chip, m, layer.depth, n, lhs_bits, rhs_bits)


def _layout(
    chip: BitSerialChip, graph: Graph, node: Node, layer: Layer, slices: tuple[Gemm, ...], activations_are_lhs: bool
) -> tuple[Pass, int]:
    """The pass that unrolls the map (im2col) into padded bit planes, and how often it reads the map.

    Once, if the rows of one window fit the line buffer; otherwise every window row is read again for every output row.
    """
    kind, g = graph.types[node.inputs[0]], layer.geometry
    map_bytes = stored_bytes(kind)
    rows_fit = g.kernel[0] * map_bytes <= int(chip.vector.line_buffer.value) * g.height
    reads = 1 if rows_fit else g.kernel[0]
    written = sum(run.lhs_bytes if activations_are_lhs else run.rhs_bytes for run in slices) * layer.groups
    return Pass((), reads * map_bytes, written), reads


def _buffers(graph: Graph, plan: tuple[Step, ...]) -> list[Buffer]:
    """Tensors from the step that writes them to the last that reads them; planes and results within their step."""
    made: dict[str, int] = dict.fromkeys(graph.inputs, 0)
    last: dict[str, int] = dict.fromkeys(graph.inputs, 0)
    alias: dict[str, str] = {}
    work: list[Buffer] = []
    for index, step in enumerate(plan):
        for name in step.stage.inputs:
            last[alias.get(name, name)] = index
        if step.product is not None:
            work.append(Buffer(f"{step.name} bit planes", step.product.activation_bytes, index, index))
            work.append(Buffer(f"{step.name} sums", step.product.result_bytes, index, index))
        if step.vector == Pass():
            alias[step.stage.output] = alias.get(step.stage.inputs[0], step.stage.inputs[0])
        else:
            made[step.stage.output] = last[step.stage.output] = index
    for name in graph.outputs:
        last[alias.get(name, name)] = len(plan) - 1
    return work + [Buffer(name, stored_bytes(graph.types[name]), made[name], last[name]) for name in made]

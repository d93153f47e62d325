"""Every reason why a graph does not fit the overlay, with the numbers that say so."""

from __future__ import annotations

from hwmodels.bitserial.chip import BitSerialChip
from hwmodels.bitserial.lower import PRODUCTS, lower, operand_issues
from hwmodels.bitserial.mapping import BitSerialMapping, whole_product
from hwmodels.bitserial.memory import top
from hwmodels.bitserial.tiling import Depth, depth
from hwmodels.bitserial.vector import WORK
from hwmodels.target import Issue
from neurobin.ir import Graph, Node


def issues(chip: BitSerialChip, graph: Graph) -> list[Issue]:
    """Graph first, then node by node."""
    found = []
    if not graph.is_deployed:
        real = next(name for name, kind in graph.types.items() if kind.dtype.is_float)
        found.append(Issue("", f"tensor {real!r} is real; the array computes on integers (neurobin lower MODEL)"))
    for what, names in (("input", graph.inputs), ("output", graph.outputs)):
        if len(names) != 1:
            found.append(Issue("", f"expected one {what}, the graph has {len(names)}: {', '.join(names)}"))
    for node in graph.nodes:
        found += [Issue(node.name, reason) for reason in _reasons(chip, graph, node)]
    return found


def memory_issues(mapping: BitSerialMapping) -> list[Issue]:
    """Whether weights, maps, planes and sums fit the DRAM behind the port."""
    used, capacity = top(mapping.spans, mapping.weight_bytes), int(mapping.chip.port.dram.value)
    return [Issue("", f"needs {used} B of DRAM, the board has {capacity} B")] if used > capacity else []


def _reasons(chip: BitSerialChip, graph: Graph, node: Node) -> list[str]:
    kinds = [graph.types[node.name], *(graph.types[name] for name in node.inputs)]
    if any(kind.dtype.is_float for kind in kinds):
        return []  # said once, for the graph
    if node.op.name not in PRODUCTS:
        known = node.op.name in WORK
        return [] if known else [f"neither the array nor the vector unit computes {node.op.name}"]
    return operand_issues(chip, graph, node) or _depth_reasons(chip, graph, node)


def _depth_reasons(chip: BitSerialChip, graph: Graph, node: Node) -> list[str]:
    """K can be split, but not below one tile: one of the two operand orders must allow that."""
    layer = lower(chip, graph, node)
    limits = [depth(chip, whole_product(chip, layer, side)) for side in (True, False)]
    if any(limit.tiles >= 1 for limit in limits):
        return []
    return [_explain(chip, layer.weight.bits, layer.activation.bits, limits[0])]


def _explain(chip: BitSerialChip, weight_bits: int, activation_bits: int, limit: Depth) -> str:
    if limit.accumulator < 1:
        width = int(chip.array.accumulator.value)
        return f"{weight_bits} x {activation_bits} bits over {chip.dk} positions exceed a {width}-bit accumulator"
    regions, most = int(chip.buffers.regions.value), int(chip.buffers.stripe_limit.value)
    rooms = [min(size // regions, most) for size in (chip.lhs_bytes, chip.rhs_bytes)]
    needs = [bits * dim * chip.dk // 8 for bits, dim in ((weight_bits, chip.dm), (activation_bits, chip.dn))]
    return (
        f"one K tile of {weight_bits}-bit weights and {activation_bits}-bit activations takes {needs[0]} B and "
        f"{needs[1]} B, a buffer region has {rooms[0]} B (LHS) and {rooms[1]} B (RHS)"
    )

"""What a deployed network computes besides popcounts and comparisons, and why: the price of a method's ingredients."""

from __future__ import annotations

from collections.abc import Sequence

from analyses.table import Cell, Column, Table, table
from neurobin.counting.operands import linear_nodes, weight
from neurobin.ir import Graph, Node

# Ops that cost nothing extra: comparisons and pools belong to every quantized network, views move no data.
_FREE = {"multi_threshold", "max_pool2d", "flatten", "reshape", "slice", "concat", "channel_shuffle", "pad", "arg_max"}

_REASONS = {
    "int_conv2d": "operands too wide for bit planes: a multiplier per product",
    "int_dense": "operands too wide for bit planes: a multiplier per product",
    "requantise": "a scale no threshold absorbs: each value is multiplied and shifted",
    "add": "a real shortcut, or several bases: sums are kept as a wide map in memory",
    "prelu": "a learned slope in front of a sum or a map: the sign of each value selects a factor",
    "multiply": "a scale that depends on the input: no threshold can absorb it",
    "abs": "the input's own magnitude, part of a scale that depends on the input",
    "channel_sum": "a sum over channels, part of a scale that depends on the input, or a vote",
    "sum_pool2d": "an average over a window, kept as a sum of integers",
    "clip": "a bend in front of a sum",
    "relu": "a bend in front of a sum",
}
_OTHER = "an op of this method that integers carry exactly"


def deployment(graph: Graph) -> Table:
    """A row per kind of product and per further op: how many nodes, results per image, the reason."""
    rows = [*_products(graph), *_others(graph)]
    columns = (
        Column("op", "op"),
        Column("operands", "weights x activations"),
        Column("nodes", "nodes", "1"),
        Column("elements", "results per image", "1"),
        Column("reason", "why"),
    )
    return table("What runs after deployment", columns, rows, f"Widest map in memory: {widest_map(graph)}.")


def widest_map(graph: Graph) -> str:
    """The type and shape of the largest tensor that is stored between layers, sums of products left out."""
    stored = [node for node in graph.nodes if not node.op.linear]
    kinds = [graph.types[node.name] for node in stored if len(graph.types[node.name].shape) == 3]
    if not kinds:
        return "none"
    widest = max(kinds, key=lambda kind: kind.size * kind.dtype.bits)
    return f"{widest.dtype} {'x'.join(map(str, widest.shape))}"


def operands(graph: Graph) -> tuple[str, ...]:
    """Bits of weights x bits of activations of every kind of product, most multiply-accumulates first: "1x1", "8x8"."""
    return _operands(graph, linear_nodes(graph))


def planes(graph: Graph) -> tuple[str, ...]:
    """The same of products that bit planes compute; none where every product needs a multiplier."""
    return _operands(graph, [node for node in linear_nodes(graph) if not why_not_bits(node.op.name)])


def why_not_bits(op: str) -> str:
    """Why products of this op take more than popcounts; "" for those of bit planes."""
    return _REASONS.get(op, "")


def _operands(graph: Graph, products: Sequence[Node]) -> tuple[str, ...]:
    found: dict[str, float] = {}
    for node in products:
        key = f"{weight(node).bits}x{graph.types[node.inputs[0]].dtype.bits}"
        found[key] = found.get(key, 0) + graph.work(node.name).total("mac")
    return tuple(sorted(found, key=lambda key: -found[key]))


def _products(graph: Graph) -> list[dict[str, Cell]]:
    groups: dict[tuple[str, str], list[Node]] = {}
    for node in linear_nodes(graph):
        operands = f"{weight(node)} x {graph.types[node.inputs[0]].dtype}"
        groups.setdefault((node.op.name, operands), []).append(node)
    return [_row(graph, op, operands, nodes, _REASONS.get(op, "popcounts")) for (op, operands), nodes in groups.items()]


def _others(graph: Graph) -> list[dict[str, Cell]]:
    groups: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if not node.op.linear and node.op.name not in _FREE:
            groups.setdefault(node.op.name, []).append(node)
    return [_row(graph, op, None, nodes, _REASONS.get(op, _OTHER)) for op, nodes in groups.items()]


def _row(graph: Graph, op: str, operands: str | None, nodes: Sequence[Node], reason: str) -> dict[str, Cell]:
    elements = sum(graph.types[node.name].size for node in nodes)
    return {"op": op, "operands": operands, "nodes": len(nodes), "elements": elements, "reason": reason}

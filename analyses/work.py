"""The table every binary-network user knows: per layer the operation, shapes, weight bits, MACs by type, parameters, bytes.

Counts come from the graph's own ops per inference of one example, never from module classes.
"""

from __future__ import annotations

import re

from analyses.table import Cell, Column, Table, table
from neurobin.ir import Graph, Node, Work, WorkKey

_LEADING = (
    Column("layer", "layer"),
    Column("op", "op"),
    Column("input", "input"),
    Column("output", "output"),
    Column("weight_bits", "weight bits", "1"),
)
_TRAILING = (
    Column("other_ops", "other operations", "1"),
    Column("parameters", "parameters", "1"),
    Column("weight_bytes", "weights", "B"),
    Column("read_bytes", "read", "B"),
    Column("written_bytes", "written", "B"),
)


def work_table(graph: Graph) -> Table:
    """A row per node and a last row `total`; one MAC column per (activation type, weight type) that occurs.

    `weight_bytes` counts all parameters in their stored width (scales and thresholds too), without padding;
    `read` and `written` count activations once, as if nothing were cached.
    """
    kinds = list(dict.fromkeys(_operands(key) for key in graph.total_work().counts if key.kind == "mac"))
    macs = [Column(f"mac_{_slug(kind)}", f"MAC {kind}", "1") for kind in kinds]
    rows = [_row(graph, node, kinds) for node in graph.nodes]
    total = _counts(graph.total_work(), kinds) | {
        "layer": "total",
        "op": None,
        "input": None,
        "output": None,
        "weight_bits": None,
        "parameters": sum(int(str(row["parameters"])) for row in rows),
    }
    note = "Per inference of one example. MACs count zero and padding taps, as dense hardware does."
    return table("Work per layer", (*_LEADING, *macs, *_TRAILING), [*rows, total], note)


def parameter_counts(graph: Graph) -> dict[str, int]:
    """Number of weights by element type, for `ModelInfo.parameters`; thresholds and scales count under their own types."""
    counts: dict[str, int] = {}
    for node in graph.nodes:
        for constant in node.op.constants().values():
            name = str(constant.dtype)
            counts[name] = counts.get(name, 0) + int(constant.values.size)
    return counts


def _row(graph: Graph, node: Node, kinds: list[str]) -> dict[str, Cell]:
    constants = node.op.constants()
    weight = constants.get("weight")
    return _counts(graph.work(node.name), kinds) | {
        "layer": node.name,
        "op": node.op.name,
        "input": ", ".join(str(graph.types[name]) for name in node.inputs),
        "output": str(graph.types[node.name]),
        "weight_bits": weight.dtype.bits if weight is not None else None,
        "parameters": sum(int(constant.values.size) for constant in constants.values()),
    }


def _counts(work: Work, kinds: list[str]) -> dict[str, Cell]:
    macs: dict[str, int] = dict.fromkeys(kinds, 0)
    for key, count in work.counts.items():
        if key.kind == "mac":
            macs[_operands(key)] += count
    cells: dict[str, Cell] = {f"mac_{_slug(kind)}": macs[kind] or None for kind in kinds}
    return cells | {
        "other_ops": sum(count for key, count in work.counts.items() if key.kind != "mac") or None,
        "weight_bytes": -(-work.bits_weights // 8),
        "read_bytes": -(-work.bits_read // 8),
        "written_bytes": -(-work.bits_written // 8),
    }


def _operands(key: WorkKey) -> str:
    """`u8 x bipolar`: activation type, then weight type."""
    return f"{key.activation} x {key.weight}" if key.weight is not None else str(key.activation)


def _slug(kind: str) -> str:
    """The operand types as part of a column name: `u8_bipolar`; plane scales keep their digits."""
    return re.sub(r"[^a-z0-9]+", "_", kind.replace(" x ", "_").lower()).strip("_")

"""Which layers of a deployed network are bits, which are not and why, with each one's share of the work."""

from __future__ import annotations

from analyses.deployment import why_not_bits
from analyses.table import Cell, Column, Table, table
from neurobin.counting.operands import linear_nodes, weight
from neurobin.ir import Graph

COLUMNS = (
    Column("layer", "layer"),
    Column("op", "op"),
    Column("weights", "weights"),
    Column("activations", "activations"),
    Column("weight_bits", "weight bits", "1"),
    Column("macs", "products", "1"),
    Column("share", "share", "share"),
    Column("form", "computed as"),
)


def layers(graph: Graph) -> Table:
    """A row per layer in order; `share` is that of all multiply-accumulates of one inference."""
    nodes = linear_nodes(graph)
    macs = {node.name: graph.work(node.name).total("mac") for node in nodes}
    total = sum(macs.values()) or 1
    rows: list[dict[str, Cell]] = [
        {
            "layer": node.name,
            "op": node.op.name,
            "weights": str(weight(node)),
            "activations": str(graph.types[node.inputs[0]].dtype),
            "weight_bits": node.op.constants()["weight"].bits,
            "macs": macs[node.name],
            "share": macs[node.name] / total,
            "form": why_not_bits(node.op.name) or "bits: popcounts",
        }
        for node in nodes
    ]
    bits = sum(macs[node.name] for node in nodes if not why_not_bits(node.op.name)) / total
    return table("Layers", COLUMNS, rows, f"{bits:.1%} of all products are popcounts.")

"""The text form: one line per node, stable, made to be read and diffed.

input  : u8[8,8,1]
conv1  : i12[8,8,32] = int_conv2d(input) weight=i8[32,3,3,1]#0b1c9e padding=1,1,1,1
return fc
"""

from __future__ import annotations

from dataclasses import MISSING, fields

from neurobin.ir.graph import Graph
from neurobin.ir.op import Op


def shown(name: str) -> str:
    """`name` on one line: characters that do not print (newlines, escapes, direction marks) are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def attributes(op: Op) -> dict[str, str]:
    """The op's fields as text, in order, without those that have their default value."""
    shown = {}
    for field in fields(op):
        value = getattr(op, field.name)
        if field.default is not MISSING and value == field.default:
            continue
        shown[field.name] = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return shown


def to_text(graph: Graph) -> str:
    """The whole graph, one line per input, node and output."""
    width = max(len(shown(name)) for name in graph.types)
    lines = [f"{shown(name):<{width}} : {kind}" for name, kind in graph.inputs.items()]
    for node in graph.nodes:
        keys = "".join(f" {key}={shown(value)}" for key, value in attributes(node.op).items())
        operands = ", ".join(map(shown, node.inputs))
        lines.append(f"{shown(node.name):<{width}} : {graph.types[node.name]} = {node.op.name}({operands}){keys}")
    return "\n".join([*lines, f"return {', '.join(map(shown, graph.outputs))}"]) + "\n"

"""The text form: recorded for a network with every kind of field, and safe to print whatever the names are."""

from __future__ import annotations

from collections.abc import Callable

from neurobin.ir import Graph, Node, TensorType, to_text
from neurobin.ir.dtype import i
from neurobin.ops.relu import Relu
from tests.ir.graphs import every_kind_of_field


def test_recorded_text(golden: Callable[[str, str], None]) -> None:
    golden("every_kind_of_field.txt", to_text(every_kind_of_field()))


def test_one_line_per_input_node_and_output_whatever_the_names() -> None:
    names = ["new\nline", "esc\x1b[31m", "\u202eright-to-left", "naïve 名前", "tab\t"]
    nodes = [Node(name, Relu(), (source,)) for source, name in zip(["x\r", *names], names, strict=False)]
    text = to_text(Graph({"x\r": TensorType((1,), i(8))}, tuple(nodes), (names[-1],)))
    assert len(text.splitlines()) == 2 + len(names)
    assert all(line.isprintable() for line in text.splitlines())
    assert "naïve 名前" in text
    assert "new\\nline" in text

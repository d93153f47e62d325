"""Graphs: what `verify` refuses, word for word, and the views that others read."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import GraphError
from neurobin.ir import BIPOLAR, FLOAT32, Builder, Constant, Graph, Node, TensorType, Work, WorkKey
from neurobin.ir.dtype import i, u
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.bit_dense import BitDense
from neurobin.ops.concat import Concat
from neurobin.ops.relu import Relu
from tests.networks import binary_convnet, residual_convnet

X = {"x": TensorType((3,), i(8))}
WEIGHT = Constant(BIPOLAR, np.ones((2, 4)))
A = Node("a", Relu(), ("x",))


@pytest.mark.parametrize(
    ("inputs", "nodes", "outputs", "message"),
    [
        ({}, (A,), ("a",), "a graph has at least one input"),
        (X, (A,), (), "a graph has at least one output"),
        (X, (A,), ("b",), "output 'b' is not defined"),
        (X, (A, A), ("a",), "node 'a': this name is defined twice"),
        (X, (Node("x", Relu(), ("x",)),), ("x",), "node 'x': this name is defined twice"),
        (X, (Node("a", Relu(), ("y",)),), ("a",), "node 'a' (relu): reads 'y', which no earlier node defines"),
        (
            X,
            (Node("a", Add(), ("x", "b")), Node("b", Relu(), ("a",))),
            ("b",),
            "node 'a' (add): reads 'b', which no earlier node defines",
        ),
        (X, (Node("a", Relu(), ("a",)),), ("a",), "node 'a' (relu): reads 'a', which no earlier node defines"),
        (X, (Node("a", Add(), ("x",)),), ("a",), "node 'a' (add): takes a different number of inputs than 1"),
        (X, (Node("a", Relu(), ("x", "x")),), ("a",), "node 'a' (relu): takes a different number of inputs than 2"),
        (X, (Node("a", Concat(), ()),), ("a",), "node 'a' (concat): has no inputs"),
        (
            X,
            (Node("a", BitDense(WEIGHT), ("x",)),),
            ("a",),
            "node 'a' (bit_dense): weight has shape (2, 4), the input (3,); expected [O, F] and (F,) (inputs i8[3])",
        ),
    ],
)
def test_verify_names_what_is_wrong(
    inputs: dict[str, TensorType], nodes: tuple[Node, ...], outputs: tuple[str, ...], message: str
) -> None:
    with pytest.raises(GraphError) as error:
        Graph(inputs, nodes, outputs).verify()
    assert str(error.value) == message


def test_the_hint_of_an_op_survives() -> None:
    wide = Constant(i(41), np.full((1, 3), 2**39))
    with pytest.raises(GraphError) as error:
        Graph({"x": TensorType((3,), i(32))}, (Node("a", BitDense(wide), ("x",)),), ("a",)).verify()
    assert error.value.hint == "narrower operands"
    assert error.value.where == "node 'a' (bit_dense)"


def test_one_input_and_one_output_are_asked_for() -> None:
    graph = Graph({"x": X["x"], "y": X["x"]}, (Node("a", Add(), ("x", "y")),), ("a", "x")).verify()
    with pytest.raises(GraphError, match="expected one input, the graph has 2: x, y"):
        _ = graph.input
    with pytest.raises(GraphError, match="expected one output, the graph has 2: a, x"):
        _ = graph.output


def test_views() -> None:
    nodes = (
        Node("a", Relu(), ("x",)),
        Node("b", Add(), ("a", "a")),
        Node("dead", Relu(), ("b",)),
        Node("c", Add(), ("a", "b")),
    )
    graph = Graph(X, nodes, ("c",), {"k": 1}).verify()
    assert graph.consumers == {"x": ("a",), "a": ("b", "b", "c"), "b": ("dead", "c"), "dead": (), "c": ()}
    assert graph.last_use() == {"x": 0, "a": 3, "b": 3, "dead": 2, "c": 4}
    assert list(graph.view().edges) == [("x", "a"), ("a", "b"), ("a", "c"), ("b", "dead"), ("b", "c")]
    assert [node.name for node in graph.pruned().nodes] == ["a", "b", "c"]
    assert graph.with_meta(k=2, m="n").meta == {"k": 2, "m": "n"}
    assert graph.meta == {"k": 1}
    assert graph.by_name["b"] is nodes[1]


def test_deployed_means_no_real_tensor() -> None:
    assert binary_convnet().is_deployed
    real = Graph(X, (Node("a", Affine(), ("x",)),), ("a",)).verify()
    assert not real.is_deployed
    assert real.types["a"] == TensorType((3,), FLOAT32)


def test_a_deep_graph_needs_no_recursion() -> None:
    builder = Builder(X)
    name = "x"
    for _ in range(3000):
        name = builder.add(Relu(), name)
    graph = builder.graph(name)
    assert name == "relu_3000"
    assert len(graph.pruned().nodes) == 3000


def test_total_work_is_the_sum_of_the_nodes() -> None:
    graph = residual_convnet()
    total = graph.total_work()
    assert total.bits_weights == sum(c.bits for n in graph.nodes for c in n.op.constants().values())
    # 8x8 maps: 3x3x3 weights to 8 channels, twice 3x3x8 to 8, then 8 to 10
    assert total.total("mac") == 64 * 8 * 27 + 2 * 64 * 8 * 72 + 80
    key = WorkKey("mac", BIPOLAR, BIPOLAR)
    assert total.counts[key] == 2 * 64 * 8 * 72
    assert str(key) == "mac bipolar x bipolar"
    assert (Work() + total) == total


def test_builder_numbers_names_and_prefixes() -> None:
    builder = Builder(X, prefix="block1")
    assert [builder.add(Relu(), "x"), builder.add(Relu(), "x"), builder.add(Relu(), "x", name="x")] == [
        "block1.relu",
        "block1.relu_2",
        "x_2",
    ]
    assert builder.types["x_2"].dtype == u(7)
    with pytest.raises(GraphError, match="which no earlier node defines"):
        builder.add(Relu(), "nobody")
    assert len(builder.nodes) == 3

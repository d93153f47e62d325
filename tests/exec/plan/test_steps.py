"""Which nodes run together, and that the steps are the graph in another order that still computes it."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings

from neurobin.exec.kernels import Elementwise, Linear, Moves, Pool
from neurobin.exec.kernels.layout import extent
from neurobin.exec.plan.steps import Step, requests, split
from neurobin.ir import BIPOLAR, Builder, Constant, Graph, TensorType
from neurobin.ir.dtype import i
from neurobin.ops import op_class
from tests.exec.chains import chains
from tests.exec.small import Negated
from tests.networks import binary_convnet, residual_convnet


def steps(graph: Graph) -> list[Step]:
    return split(graph, requests(graph), frozenset({Linear}))


def named(graph: Graph) -> list[list[str]]:
    return [[node.name for node in step.nodes] for step in steps(graph)]


class Maps(Builder):
    """Networks on maps [4, 4, 8]."""

    def __init__(self) -> None:
        super().__init__({"x": TensorType((4, 4, 8), i(8))})

    def op(self, name: str, *sources: str, called: str = "", **fields: object) -> str:
        return self.add(op_class(name)(**fields), *sources, name=called or name)

    def conv(self, source: str, called: str, padding: int = 1) -> str:
        weight = Constant(BIPOLAR, np.ones((8, 3, 3, 8), np.int64))
        return self.op("bit_conv2d", source, weight=weight, padding=(padding,) * 4, called=called)


def test_elementwise_nodes_join_the_layer_before_them() -> None:
    b = Maps()
    out = b.op("abs", b.op("relu", b.conv("x", "conv")))
    assert named(b.graph(out)) == [["conv", "relu", "abs"]]


def test_a_shortcut_joins_the_step_of_its_latest_operand() -> None:
    b = Maps()
    first = b.op("relu", b.conv("x", "first"), called="between")
    second = b.conv(first, "second")
    total = b.op("add", first, second)
    again = b.op("add", second, first, called="reversed")
    assert named(b.graph(b.op("add", total, again, called="out"))) == [
        ["first", "between"],
        ["second", "add", "reversed", "out"],
    ]


def test_a_node_that_reads_the_input_only_begins_a_step() -> None:
    b = Maps()
    y = b.op("add", b.op("relu", "x"), b.op("abs", "x"))
    assert named(b.graph(y)) == [["relu"], ["abs", "add"]]


def test_nothing_joins_a_pool_or_a_move() -> None:
    b = Maps()
    pooled = b.op("max_pool2d", b.conv("x", "conv"), kernel=(1, 1), stride=(1, 1))
    cut = b.op("slice", b.op("relu", pooled), start=0, stop=8)
    graph = b.graph(b.op("abs", cut))
    assert named(graph) == [["conv"], ["max_pool2d"], ["relu"], ["slice"], ["abs"]]
    kinds = [type(step.request) for step in steps(graph)]
    assert kinds == [Linear, Pool, type(None), Moves, type(None)]


def test_nothing_joins_a_step_of_another_size() -> None:
    b = Maps()
    gate = b.op("relu", b.op("sum_pool2d", b.conv("x", "conv"), kernel=(4, 4), stride=(4, 4)))
    graph = b.graph(b.op("multiply", "conv", gate))
    assert named(graph) == [["conv"], ["sum_pool2d"], ["relu"], ["multiply"]]


def test_nothing_joins_a_node_without_a_native_form() -> None:
    b = Builder({"x": TensorType((5,), i(8))})
    at = b.add(op_class("relu")(), "x", name="relu")
    at = b.add(Negated(), at, name="negated")
    graph = b.graph(b.add(op_class("abs")(), at, name="abs"))
    found = steps(graph)
    assert [[node.name for node in step.nodes] for step in found] == [["relu"], ["negated"], ["abs"]]
    assert found[1].request is None
    assert found[1].root is not None


def test_a_step_reads_each_earlier_tensor_once() -> None:
    b = Maps()
    twice = b.op("add", b.conv("x", "conv"), "x")
    (step,) = steps(b.graph(b.op("add", twice, "x", called="out")))
    assert step.reads == ["x"]


def check_steps(graph: Graph) -> None:
    made = set(graph.inputs)
    asked = requests(graph)
    seen: list[str] = []
    for step in steps(graph):
        assert set(step.reads) <= made
        assert len({extent(graph.types[node.name].shape) for node in step.nodes}) == 1
        assert all(isinstance(asked[node.name], Elementwise) for node in step.body)
        assert step.root is not None or step.request is None
        inside = set(step.reads)
        for node in step.nodes:
            assert set(node.inputs) <= inside, node.name
            inside.add(node.name)
        made |= inside
        seen += [node.name for node in step.nodes]
    assert sorted(seen) == sorted(node.name for node in graph.nodes)


def test_whole_networks() -> None:
    for graph in (binary_convnet(), residual_convnet()):
        check_steps(graph)
        assert len(steps(graph)) < len(graph.nodes)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(chains())
def test_every_node_runs_once_and_after_what_it_reads(graph: Graph) -> None:
    check_steps(graph)

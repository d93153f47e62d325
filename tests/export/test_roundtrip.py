"""What neurobin exports comes back as what it was: the same integers at the same price, and deployed already."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

import onnx
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neurobin import zoo
from neurobin.exec import packed, reference
from neurobin.export.qonnx import to_qonnx
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.convert.claims import input_type
from neurobin.frontend.onnx.reader import from_proto
from neurobin.ir import BINARY, BIPOLAR, Builder, Constant, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops.add import Add
from neurobin.ops.concat import Concat
from neurobin.ops.logic import Logic
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.multiply import Multiply
from neurobin.ops.slice import Slice
from neurobin.passes import lower
from tests.export.test_qonnx import checkable, reasons
from tests.ir.strategies import seeds
from tests.ops.cases import INTEGER, operands
from tests.ops.test_every_op import graph_of

# Between them: popcounts and wide layers, requantised maps, shortcuts, PReLU, shuffles, reshapes, logic, planes of uneven
# weight, concatenated and sliced maps.
NETWORKS = [
    "bnn_digits", "dorefa_digits", "twn_digits", "birealnet_digits", "reactnet_digits", "eedn_digits",
    "boolnet_fashion_mnist", "lqnets_fashion_mnist", "meliusnet_fashion_mnist",
]  # fmt: skip
JOINS = {"add", "concat", "logic", "multiply"}
AS_TRAINED = {"sign"}  # thresholds of its own are real numbers


def back(graph: Graph) -> Graph:
    """The graph after it was a file."""
    return to_graph(from_proto(onnx.ModelProto.FromString(to_qonnx(graph).SerializeToString())))


def images(graph: Graph, count: int = 4, seed: int = 0) -> np.ndarray:
    kind = graph.inputs[graph.input]
    drawn = np.random.default_rng(seed).integers(kind.dtype.low, kind.dtype.high + 1, (count, *kind.shape))
    return drawn if kind.dtype.encoding is not Encoding.BIPOLAR else drawn | 1


def same(graph: Graph, x: np.ndarray) -> Graph:
    """The graph as it comes back, after both gave the same integers."""
    found = back(graph)
    assert found.is_deployed
    assert np.array_equal(reference.run(found, x), reference.run(graph, x))
    assert np.array_equal(packed.run(found, x), reference.run(graph, x))
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_deployed_networks_come_back_as_they_were(name):
    graph = zoo.load(name)
    found = same(graph, images(graph))
    assert Counter(node.op.name for node in found.nodes) == Counter(node.op.name for node in graph.nodes)
    assert found.total_work() == graph.total_work()
    kinds, wanted = (Counter((node.op.name, g.types[node.name]) for node in g.nodes) for g in (found, graph))
    assert kinds == wanted


@pytest.mark.parametrize("name", sorted(set(INTEGER) - JOINS - AS_TRAINED))
@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data(), seed=seeds)
def test_every_op_comes_back(name: str, data: st.DataObject, seed: int):
    """Ops of one input, with any operands that have a form in ONNX at all, and that change anything."""
    case = data.draw(INTEGER[name]())
    assume(checkable(case))
    graph = graph_of(case)
    assume(graph.is_deployed and not reasons(graph))
    (x,) = operands(case, 2, seed)
    assume(not np.array_equal(case.op.reference(x), x))
    assume(input_type(from_proto(to_qonnx(graph))) == graph.inputs["x0"].dtype)  # QONNX has no name for some types
    assume(name != "flatten" or x.shape[2] not in (1, 3))  # a vector of [1, 5, 4, 3] may be one of 3 channels, last
    if isinstance(case.op, MultiThreshold) and case.op.dtype.scales:
        assume(len(case.op.levels) == case.op.dtype.count)  # some of the sums of planes do not say what the planes are
        kind = graph.inputs["x0"].dtype
        rows = np.clip(case.op.thresholds.values, kind.low, kind.high + 1)
        assume((np.diff(rows, axis=1) > 0).all(axis=1).any())  # nor do thresholds that are equal in every channel
    same(graph, x)


def two(left: DType, right: DType) -> tuple[Builder, str, str]:
    """Two tensors [3, 5, 7] read off one image: thresholds of it, at odd places."""
    builder = Builder({"x": TensorType((3, 5, 7), i(9))})
    names = []
    for number, dtype in enumerate((left, right)):
        count = min(dtype.count, 9) - 1
        rows = np.sort(np.random.default_rng(number).integers(-200, 200, (7, count)), axis=1)
        op = MultiThreshold(Constant(i(10), rows), dtype, Constant(BINARY, np.zeros(7, np.int8)))  # as `lower` has them
        names.append(builder.add(op, "x"))
    return builder, names[0], names[1]


@pytest.mark.parametrize(
    ("op", "left", "right"),
    [
        (Add(), u(3), i(4)),
        (Add(u(3)), u(3), u(3)),
        (Add(i(4)), i(4), i(3)),
        (Multiply(), i(4), u(3)),
        (Multiply(3), i(4), i(4)),
        (Multiply(2, i(4)), i(4), u(3)),
        (Logic("xnor"), BIPOLAR, BIPOLAR),
        (Logic("xnor"), BINARY, BINARY),
        (Logic("or"), BINARY, BINARY),
        (Logic("and"), BIPOLAR, BIPOLAR),
        (Concat(), u(2), u(2)),
    ],
)
def test_joins_come_back(op, left, right):
    builder, a, b = two(left, right)
    graph = builder.graph(builder.add(op, a, b))
    found = same(graph, images(graph, 6))
    assert found.nodes[-1].op.name == op.name
    assert found.types[found.output] == graph.types[graph.output]
    assert found.total_work() == graph.total_work()


def test_what_several_read_comes_back_once():
    """A clip that a sum, thresholds and a part of the channels read."""
    builder, a, b = two(i(4), i(4))
    total = builder.add(Add(i(4)), a, b)
    levels = builder.add(MultiThreshold(Constant(i(4), np.array([[-2, 0, 5]])), u(2)), total)
    part = builder.add(Slice(0, 7), builder.add(Concat(), total, b))
    graph = builder.graph(builder.add(Add(), builder.add(Add(), total, levels), part))
    found = same(graph, images(graph))
    assert Counter(node.op.name for node in found.nodes) == Counter(node.op.name for node in graph.nodes)


def test_planes_of_any_weight_come_back():
    """Levels -8 -2 2 8 climb by 6, 4 and 6: two thresholds at once in one channel, all out of reach in another."""
    dtype = DType(Encoding.BIPOLAR, 2, (3, 5))
    rows = np.array([[-4, 1, 7], [3, 3, 9], [100, 100, 100], [-50, 2, 2]])
    for down in ([0, 0, 0, 0], [0, 1, 0, 1]):
        builder = Builder({"x": TensorType((2, 3, 4), i(5))})
        op = MultiThreshold(Constant(i(8), rows), dtype, Constant(BINARY, np.array(down, np.int8)))
        graph = builder.graph(builder.add(op, "x"))
        found = same(graph, images(graph, 8))
        assert found.types[found.output].dtype == dtype


def test_as_trained_takes_the_pixels_it_is_annotated_with():
    """Only the input of a network as trained is whole: what comes back is as trained, and its images are not rescaled."""
    graph = zoo.load("bnn_digits", trained=True)
    found, x = back(graph), images(graph, 32)
    assert not found.is_deployed
    assert found.inputs[found.input] == graph.inputs[graph.input]
    ours, theirs = (reference.run(lower(g, x), x).argmax(1) for g in (graph, found))
    assert (ours == theirs).mean() > 0.9

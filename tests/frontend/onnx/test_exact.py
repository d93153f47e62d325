"""Files that say they are whole numbers at both ends: integer ops with the evaluator's numbers, or a graph as trained."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from onnx import StringStringEntryProto, TensorAnnotation

from neurobin.errors import FormatError, UnsupportedError
from neurobin.exec import packed, reference
from neurobin.frontend.images import Images
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.convert.claims import input_type
from neurobin.frontend.onnx.convert.levels import type_of
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.model import Model
from neurobin.frontend.onnx.reader import from_proto
from neurobin.ir import TERNARY, Graph
from neurobin.ir.dtype import i, parse_dtype, u
from tests.frontend.onnx.net import DOUBLE, FLOAT, QONNX, Net, codes, signs

INT64 = 7  # of TensorProto


def annotated(net: Net, end: str, given: str = "INT6", result: str = "INT32") -> Model:
    """The model with QONNX's types on its two ends."""
    proto = net.proto(end)
    for tensor, name in ((net.name, given), (end, result)):
        entry = StringStringEntryProto(key="finn_datatype", value=name)
        proto.graph.quantization_annotation.append(
            TensorAnnotation(tensor_name=tensor, quant_parameter_tensor_names=[entry])
        )
    return from_proto(proto)


def drawn(model: Model, graph: Graph, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """(images as the graph takes them, what the evaluator says of each)."""
    kind = graph.inputs[graph.input]
    x = np.random.default_rng(3).integers(kind.dtype.low, kind.dtype.high + 1, (count, *kind.shape))
    port = model.ports[0]
    own = [evaluate(model, {port.name: (np.moveaxis(one, -1, 0))[None].astype(port.kind)})[model.outputs[0]] for one in x]
    wanted = np.concatenate(own)
    return x, np.moveaxis(wanted, 1, -1)


def whole(net: Net, end: str, **claims: str) -> Graph:
    """The deployed graph, after both engines gave the evaluator's numbers."""
    model = annotated(net, end, **claims)
    graph = to_graph(model)
    assert graph.is_deployed, [node.op.name for node in graph.nodes]
    x, wanted = drawn(model, graph)
    assert np.array_equal(reference.run(graph, x), wanted)
    assert np.array_equal(packed.run(graph, x), wanted)
    return graph


def ops(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def thresholds(net: Net, x: object, rows: object, scale: float = 1.0, bias: float = 0.0) -> str:
    types = {"out_dtype": "INT8", "out_scale": float(scale), "out_bias": float(bias), "data_layout": "NCHW"}
    return net("MultiThreshold", x, np.asarray(rows, np.float32), domain=QONNX, **types)


def test_layers_with_biases(rng):
    net = Net((1, 3, 5, 7))
    sums = net("Conv", net.name, codes(rng, (4, 3, 3, 2), np.int8).astype(np.float32), np.float32([9, -3, 0, 5]))
    graph = whole(net, sums)
    assert ops(graph) == ["int_conv2d", "requantise"]
    assert graph.nodes[0].op.weight.dtype == i(8)


def test_weights_of_odd_numbers_take_a_plane_less(rng):
    net = Net((1, 3, 5, 7))
    weight = net.quant(2.0 * rng.integers(-2, 2, (4, 3, 2, 3)) + 1, 3, narrow=1)
    graph = whole(net, net("Conv", net.name, weight))
    assert graph.nodes[0].op.weight.dtype == parse_dtype("bipolar2")


def test_padding_before_a_layer_is_the_layers_own(rng):
    net = Net((1, 3, 5, 7))
    pixels = net.sign(net.name)
    padded = net("Pad", pixels, np.array([0, 0, 1, 0, 0, 0, 2, 1]), np.float32(-1))
    graph = whole(net, net("Conv", padded, net.sign(signs(rng, 4, 3, 3, 3))))
    assert ops(graph) == ["multi_threshold", "bit_conv2d"]
    assert (graph.nodes[1].op.padding, graph.nodes[1].op.pad_value) == ((1, 0, 2, 1), -1)


def test_windows_of_ones_are_sums(rng):
    net = Net((1, 3, 5, 7))
    pooled = net("Conv", net.name, np.ones((3, 1, 2, 3), np.float32), group=3, strides=[2, 1], pads=[1, 0, 0, 1])
    assert ops(whole(net, pooled)) == ["sum_pool2d"]
    assert ops(whole(net, net("Conv", net.name, np.ones((1, 3, 2, 3), np.float32)))) == ["bit_conv2d"]


def test_products_and_sums_are_one_rescaling(rng):
    """(3 (x - 4) 2 + 1) - 7 per channel, and what is turned: 5 - x."""
    net = Net((1, 3, 5, 7))
    column = np.float32([2, -3, 5]).reshape(3, 1, 1)
    x = net("Add", net("Mul", net("Mul", net("Sub", net.name, np.float32(4)), np.float32(3)), column), np.float32(1))
    graph = whole(net, net("Sub", x, np.float32(7)))
    assert ops(graph) == ["requantise"]
    assert ops(whole(net, net("Sub", np.float32(5), net.name))) == ["requantise"]
    assert ops(whole(net, net("Neg", net.name))) == ["requantise"]


def shifted(net: Net, x: object, lift: int, shift: int, low: int, high: int) -> str:
    wide = net("Add", net("Mul", net("Cast", x, to=INT64), np.int64(5)), np.int64(lift))
    halved = net("Div", net("Div", wide, np.int64(1 << shift)), np.int64(2))
    return net("Cast", net("Clip", halved, np.int64(low), np.int64(high)), to=FLOAT)


def test_whole_divisions_are_shifts(rng):
    net = Net((1, 3, 5, 7))
    graph = whole(net, shifted(net, net.name, 160, 2, 0, 31))
    assert ops(graph) == ["requantise"]
    assert (graph.nodes[0].op.shift, graph.nodes[0].op.dtype) == (3, u(5))


def test_a_factor_behind_a_shift_waits_for_it(rng):
    net = Net((1, 3, 5, 7))
    shift = net("Div", net("Add", net("Cast", net.name, to=INT64), np.int64(32)), np.int64(4))
    graph = whole(net, net("Cast", net("Mul", shift, np.int64(3)), to=FLOAT))
    assert ops(graph) == ["requantise", "requantise"]


def test_thresholds_of_turned_channels_and_of_shifted_numbers(rng):
    """Rows for -x and x + 3; bipolar, ternary and narrow levels, and levels that are no type's."""
    net = Net((1, 3, 5, 7))
    rows = np.sort(rng.integers(-20, 20, (3, 6)), axis=1)
    turned = net("Add", net("Mul", net.name, np.float32([-1, 1, -1]).reshape(3, 1, 1)), np.float32(3))
    for count, scale, bias, dtype in [(1, 2, -1, "bipolar"), (2, 1, -1, "ternary"), (3, 2, -3, "bipolar2"), (6, 1, 0, "u3")]:
        graph = whole(net, thresholds(net, turned, rows[:, :count], scale, bias))
        assert ops(graph) == ["multi_threshold"]
        assert graph.types[graph.output].dtype == parse_dtype(dtype)
    assert ops(whole(net, thresholds(net, turned, rows, 3, -9))) == ["multi_threshold", "requantise"]
    assert ops(whole(net, thresholds(net, net.name, rows + 0.5, 1, -3))) == ["multi_threshold", "requantise"]


@pytest.mark.parametrize("ties", [False, True])
def test_sums_of_thresholds_climb_unevenly(ties):
    """-8 -2 2 8: by 6, 4 and 6. Where two thresholds are equal, the other channels say which comes first."""
    net = Net((1, 3, 5, 7))
    six = np.array([[-9, 4], [2, 2], [0, 9]]) if ties else np.array([[-9, 4], [1, 3], [0, 9]])
    parts = [thresholds(net, net.name, six, 6, -8), thresholds(net, net.name, [[1], [2], [5]], 4)]
    graph = whole(net, net("Sum", *parts))
    assert ops(graph) == ["multi_threshold"]
    assert graph.types[graph.output].dtype == parse_dtype("bipolar2<3,5>")


def test_logic_of_bits(rng):
    net = Net((1, 3, 5, 7))
    a, b = thresholds(net, net.name, [[1]]), thresholds(net, net.name, [[-4], [2], [9]])
    assert ops(whole(net, net("Max", a, b)))[-1] == "logic"
    assert ops(whole(net, net("Min", a, b)))[-1] == "logic"
    agree = net("Sub", np.float32(1), net("Abs", net("Sub", a, b)))
    assert ops(whole(net, agree)) == ["multi_threshold", "multi_threshold", "logic"]
    signs_of = [net.sign(net.name), thresholds(net, net.name, [[3]], 2, -1)]
    assert ops(whole(net, net("Mul", *signs_of)))[-1] == "logic"
    assert ops(whole(net, net("Sum", a, b, net.name)))[-2:] == ["add", "add"]


def test_tables_places_and_largest(rng):
    net = Net((1, 3, 5, 7))
    place = net("Cast", net("Add", net.name, np.float32(32)), to=INT64)
    graph = whole(net, net("Gather", rng.integers(-9, 9, 64).astype(np.float32), place, axis=0))
    assert ops(graph) == ["lookup"]
    assert ops(whole(net, net("Mul", net.name, rng.integers(-9, 9, (5, 7)).astype(np.float32)))) == ["position_scale"]
    assert ops(whole(net, net("Mul", rng.integers(-9, 9, (1, 1, 1, 7)).astype(np.float32), net.name))) == ["position_scale"]
    vector = Net((1, 9))
    largest = vector("Cast", vector("ArgMax", vector.name, axis=1, keepdims=1), to=FLOAT)
    assert ops(whole(vector, largest)) == ["arg_max"]


def test_shuffled_channels_in_any_graph(rng):
    net = Net((1, 6, 5, 7))
    order = np.array([0, 2, 4, 1, 3, 5])
    graph = whole(net, net("Gather", net.name, order, axis=1))
    assert (ops(graph), graph.nodes[0].op.groups) == (["channel_shuffle"], 3)
    with pytest.raises(UnsupportedError, match="in an order that no shuffle has"):
        to_graph(annotated(net, net("Gather", net.name, order[::-1].copy(), axis=1)))
    with pytest.raises(UnsupportedError, match="something else than all channels"):
        to_graph(annotated(net, net("Gather", net.name, np.array([1, 2]), axis=1)))


@pytest.mark.parametrize(
    "slope", [[0.25, 0.75, 0.0], [-0.5, 2.0, 3.0], [1.0, 0.0, 5.0]], ids=["quarters", "halves", "whole"]
)
def test_rectifiers_with_slopes(slope):
    net = Net((1, 3, 5, 7))
    bent = net("PRelu", net.name, np.float32(slope).reshape(3, 1, 1))
    end = net("Floor", net("Add", bent, np.float32(0.5)))
    graph = whole(net, end)
    assert ops(graph) == ["prelu"]


@pytest.mark.parametrize(
    "build",
    [
        lambda n: n("Mul", n.name, np.float32(0.5)),
        lambda n: n("Conv", n.name, np.full((2, 3, 1, 1), 0.5, np.float32)),
        lambda n: n("AveragePool", n.name, kernel_shape=[2, 2]),
        lambda n: n("Clip", n.name, np.float32(-5), np.float32(5)),
        lambda n: n("PRelu", n.name, np.float32(0.25)),
        lambda n: n("Conv", n("Mul", n.name, np.float32(2**15)), np.full((1, 3, 5, 7), 100, np.float32)),
        lambda n: n("Mul", n("Mul", n.name, np.float32(2**12)), n("Mul", n.name, np.float32(2**12))),
        lambda n: n("Add", n("Mul", n.name, np.float32(2**18)), np.float32(2**24)),
    ],
    ids=["half", "weights", "mean", "range", "slope", "sums", "products", "line"],
)
def test_what_is_not_whole_throughout_is_a_graph_as_trained(build: Callable[[Net], str]):
    """Real factors, ranges of no type, and whole numbers beyond those of float32."""
    net = Net((1, 3, 5, 7))
    model = annotated(net, build(net))
    graph = to_graph(model)
    assert not graph.is_deployed
    assert graph.inputs[graph.input].dtype == i(6)


def test_claims_are_about_both_ends_and_give_way_to_the_caller(rng):
    net = Net((1, 3, 5, 7))
    end = net("Relu", net("Conv", net.name, signs(rng, 2, 3, 1, 1)))
    assert to_graph(annotated(net, end)).is_deployed
    for given, result in [("INT6", "FLOAT32"), ("FLOAT32", "INT32"), ("INT", "INT8"), ("UINT40", "INT8"), ("INT0", "INT8")]:
        assert not to_graph(annotated(net, end, given, result)).is_deployed
    graph = to_graph(annotated(net, end), Images(scale=0.5))
    assert (graph.is_deployed, graph.inputs[graph.input].dtype) == (False, u(8))
    assert input_type(annotated(net, end, "TERNARY")) == TERNARY


def test_faults_are_refused_as_ever():
    net = Net((1, 3, 5, 7))
    with pytest.raises(FormatError, match=r"thresholds of shape \[2, 1\] for 3 channels"):
        to_graph(annotated(net, thresholds(net, net.name, [[1], [2]])))
    double = Net((1, 3, 5, 7), DOUBLE)
    with pytest.raises(FormatError, match="is float32, beside one of float64"):
        to_graph(annotated(double, double("Add", double.name, np.float32(1))))


@pytest.mark.parametrize("levels", [[0, 5], [-3, 0, 3], [-7, -6, -5], [0, 1, 3], [3, 4], [0, 1, 5, 6, 7]])
def test_levels_that_no_type_has(levels):
    assert type_of(np.array(levels)) is None or sorted(type_of(np.array(levels)).table.tolist()) == levels

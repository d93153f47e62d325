"""Networks of four-bit and two-bit numbers become graphs of the same numbers, which deploy to products of bits.

The standard's own executor (onnx.reference) and onnxruntime are what the evaluator is compared with.
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from neurobin.exec import reference
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.kinds import bits, bounds
from neurobin.frontend.onnx.reader import from_proto
from neurobin.ir import Graph
from tests.frontend.onnx.generate_narrow import (
    INT2,
    INT4,
    NEWEST,
    TYPES,
    UINT2,
    UINT4,
    drawn,
    narrow_network,
    number_of,
    quantized,
    scales,
    weights,
)
from tests.frontend.onnx.net import Net, agree, ops, refused


def dtypes(graph: Graph, op: str) -> list[str]:
    return [str(node.op.weight.dtype) for node in graph.nodes if node.op.name == op]


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("per_filter", [True, False])
def test_weights_are_their_codes(rng, kind, per_filter):
    net = Net((1, 3, 4, 4), opset=NEWEST)
    codes = drawn(rng, (5, 3, 3, 3), kind)
    codes.flat[:2] = bounds(kind)
    x = quantized(net, net.name, UINT4, 4.0)
    net("Conv", x, weights(net, codes, scales(rng, 5) if per_filter else 0.5, axis=0))
    graph, deployed = agree(net)
    assert dtypes(graph, "conv2d") == [f"{'i' if bounds(kind)[0] else 'u'}{bits(kind)}"]
    assert any(op.startswith("bit_") for op in ops(deployed))


def test_weights_of_three_values_are_ternary(rng):
    net = Net((1, 9), opset=NEWEST)
    codes = rng.integers(-1, 2, (9, 5)).astype(INT2)
    net("MatMul", quantized(net, net.name, UINT2, 16.0), weights(net, codes, scales(rng, 5), axis=1))
    graph, _ = agree(net)
    assert dtypes(graph, "dense") == ["ternary"]
    net = Net((1, 9), opset=NEWEST)
    net("Gemm", quantized(net, net.name, UINT2, 16.0), weights(net, codes.T.copy(), scales(rng, 5), axis=0), transB=1)
    graph, _ = agree(net)
    assert dtypes(graph, "dense") == ["ternary"]


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("zero", [False, True])
def test_activations_are_thresholds(rng, kind, zero):
    net = Net((1, 4), opset=NEWEST)
    x = net("MatMul", net.name, rng.integers(-2, 3, (4, 6)).astype(np.float32))
    x = quantized(net, x, kind, 16.0, bounds(kind)[1] if zero else 0)
    net("MatMul", x, weights(net, drawn(rng, (6, 3), INT4), 0.25))
    graph, deployed = agree(net)
    node = next(node for node in graph.nodes if node.op.name == "multi_threshold")
    assert node.op.dtype.count <= 2 ** bits(kind) or zero
    assert node.op.thresholds.shape[-1] >= 2 ** bits(kind) - 1
    assert "bit_dense" in ops(deployed)


def test_blocks_of_one_scale_per_filter_keep_their_codes(rng):
    for same in (True, False):
        net = Net((1, 12), opset=NEWEST)
        rows = np.repeat(scales(rng, 5)[:, None], 3, 1)
        rows[0] = rows[0] if same else [0.5, 0.25, 0.5]
        x = quantized(net, net.name, UINT4, 4.0)
        x = net("Gemm", x, weights(net, drawn(rng, (5, 12), INT4), rows, axis=1, block_size=4), transB=1)
        graph, _ = agree(net, x, deploys=same)
        assert dtypes(graph, "dense") == ["i4" if same else "f64"]


def test_blocks_of_zero_points(rng):
    net = Net((1, 10), opset=21)
    codes, zero = drawn(rng, (10, 4), UINT4), drawn(rng, (4, 4), UINT4)  # blocks of 3, 3, 3 and 1
    x = weights(net, codes, scales(rng, 4, 4), zero, axis=0, block_size=3)
    net("MatMul", quantized(net, net.name, UINT4, 4.0), x)
    agree(net, deploys=False)


@pytest.mark.parametrize("shape", [(1, 6), (1, 6, 1, 1)])
def test_activations_in_blocks_of_channels(rng, shape):
    net = Net(shape, opset=NEWEST)
    rows = scales(rng, 1, 3, *shape[2:]) * 32
    quantized(net, net.name, UINT4, rows, axis=1, block_size=2)
    graph, _ = agree(net, deploys=False)
    assert "multi_threshold" in ops(graph)
    net = Net((1, 6, 2, 2), opset=NEWEST)
    quantized(net, net.name, UINT4, scales(rng, 1, 6, 1, 2) * np.float32([1, 2]), axis=2, block_size=2)
    refused(net, "QuantizeLinear.*blocks that lie apart from the channels")


def test_activations_by_channel(rng):
    net = Net((1, 3, 4, 4), opset=NEWEST)
    x = quantized(net, net.name, UINT4, np.float32([1, 2, 4]), [0, 3, 15], axis=1)
    net("Conv", x, weights(net, drawn(rng, (2, 3, 3, 3), INT4), 0.5))
    agree(net, deploys=False)


def test_codes_that_two_read(rng):
    """A quantizer is written for the first reader; the other dequantizes codes, which are whole numbers of four bits."""
    net = Net((1, 4, 3, 3), opset=NEWEST)
    origin = np.full(4, 3).astype(UINT4)
    codes = net("QuantizeLinear", net.name, np.float32([4, 8, 2, 4]), origin, axis=1)
    moved = net("Transpose", net("Transpose", codes, perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2])
    first = net("DequantizeLinear", moved, np.float32([4, 8, 2, 4]), origin, axis=1)
    second = net("DequantizeLinear", net("Identity", moved), np.float32(0.5))
    agree(net, net("Add", net("Relu", first), second), deploys=False)


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_images_of_few_bits(rng, kind):
    """The graph's input has the type of the file's."""
    net = Net((1, 8), kind=number_of(kind), opset=NEWEST)
    x = net("DequantizeLinear", net.name, np.float32(0.5))
    net("MatMul", x, rng.integers(-3, 4, (8, 3)).astype(np.float32))
    model = from_proto(net.proto())
    graph = to_graph(model)
    assert str(graph.types[graph.input].dtype) == f"{'i' if bounds(kind)[0] else 'u'}{bits(kind)}"
    images = drawn(rng, (16, 8), kind)
    wanted = np.concatenate([evaluate(model, {"x": image[None]})[model.outputs[0]] for image in images])
    assert np.array_equal(reference.run(graph, images.astype(np.int64)), wanted)


def test_casts_of_what_a_clip_bounds(rng):
    net = Net((1, 8), opset=NEWEST)
    clipped = net("Clip", net("Round", net("Mul", net.name, np.float32(0.25))), np.float32(1), np.float32(14))
    net("Cast", net("Cast", clipped, to=TensorProto.UINT4), to=TensorProto.FLOAT)
    graph, _ = agree(net)
    assert "multi_threshold" in ops(graph)
    net("Cast", net("Cast", clipped, to=TensorProto.INT4), to=TensorProto.FLOAT)
    refused(net, "Cast.*may wrap")


@pytest.mark.parametrize("seed", range(24))
def test_random_networks(seed):
    """Graph and evaluator agree, and the evaluator with onnxruntime or, for what that has not, the standard's executor."""
    rng = np.random.default_rng(seed)
    net = narrow_network(rng)
    agree(net)
    proto = net.proto()
    proto.ir_version = 13
    images = rng.integers(0, 256, (4, 1, *net.shape[1:])).astype(np.float32) / 4
    model = from_proto(proto)
    reference_run = ReferenceEvaluator(proto)
    for image in images:
        found = evaluate(model, {"x": image})[model.outputs[0]]
        assert np.array_equal(found, reference_run.run(None, {"x": image})[0])


@pytest.mark.parametrize("seed", range(12))
def test_onnxruntime_has_the_same_numbers(seed):
    """Of networks of four bits: it has no two-bit types in all its versions."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is one of the references")
    rng = np.random.default_rng(seed)
    net = Net((1, 3, 6, 6), opset=21)
    kind, held = (INT4, UINT4)[seed % 2], (INT4, UINT4)[seed // 2 % 2]
    x = net("Sub", net.name, np.float32(32))
    x = quantized(net, x, kind, 2.0 ** int(rng.integers(2, 5)), int(rng.integers(0, 8)))
    codes, blocks = drawn(rng, (4, 3, 3, 3), held), seed % 3 == 0
    sizes = (4, 2, 3, 3) if blocks else (4,)
    stated = {"axis": 1, "block_size": 2} if blocks else {"axis": 0}
    net("Conv", x, weights(net, codes, scales(rng, *sizes), drawn(rng, sizes, held), **stated))
    agree(net, deploys=False)
    proto = net.proto()
    proto.ir_version = 10
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    model = from_proto(proto)
    for image in rng.integers(0, 256, (4, 1, 3, 6, 6)).astype(np.float32) / 4:
        assert np.array_equal(evaluate(model, {"x": image})[model.outputs[0]], session.run(None, {"x": image})[0])

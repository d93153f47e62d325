"""Networks of whole numbers: what becomes a graph gives the evaluator's codes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")


from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.reader import from_proto
from tests.frontend.onnx.net import FLOAT, UINT8, Net, agree, codes, ops, refused, signs


@pytest.mark.parametrize("seed", range(12))
def test_qlinear_layers_give_the_codes_of_the_evaluator(seed):
    """Two convolutions, a pool and a product, with any types, zero points, strides, groups and scales per filter."""
    rng = np.random.default_rng(seed)
    net = Net((1, 4, 7, 6))
    kind, w_kind = (np.uint8, np.int8)[seed % 2], (np.int8, np.uint8)[seed // 2 % 2]

    def zero(of: type, *shape: int) -> np.ndarray:  # near the middle, so that not all sums saturate
        return (rng.integers(-40, 40, shape) + (np.iinfo(of).max + 1) // 2 * (of is np.uint8)).astype(of)

    scale, origin = np.float32(rng.uniform(0.1, 0.6)), zero(kind)
    x = net("QuantizeLinear", net.name, scale, origin)
    for _ in range(2):
        filters, groups = (6, 2) if seed % 3 else (4, 1)
        depth = (4 if x == "t0" else filters) // groups
        per_filter = seed % 4 > 1
        w_scale = rng.uniform(0.01, 0.1, filters if per_filter else ()).astype(np.float32)
        w_zero = zero(w_kind, *w_scale.shape)
        y_scale, y_zero = np.float32(scale * w_scale.mean() * rng.uniform(500, 1500)), zero(kind)
        bias = [rng.integers(-5000, 5000, filters).astype(np.int32)] if seed % 2 else []
        weight = codes(rng, (filters, depth, 3, 2), w_kind)
        parameters = (weight, w_scale, w_zero, y_scale, y_zero, *bias)
        pads = rng.integers(0, 2, 4).tolist()
        x = net("QLinearConv", x, scale, origin, *parameters, group=groups, pads=pads)
        scale, origin = y_scale, y_zero
    x = net("MaxPool", x, kernel_shape=[2, 2])
    size = int(np.prod(evaluate(from_proto(net.proto(x)), {"x": np.zeros((1, 4, 7, 6), np.float32)})[x].shape))
    x = net("Reshape", x, np.array([1, -1]))
    w_scale = rng.uniform(0.01, 0.1, ()).astype(np.float32)
    y_scale, y_zero = np.float32(scale * w_scale * rng.uniform(500, 1500)), zero(kind)
    weight = codes(rng, (size, 5), w_kind)
    x = net("QLinearMatMul", x, scale, origin, weight, w_scale, zero(w_kind), y_scale, y_zero)
    agree(net, x)
    net("DequantizeLinear", x, y_scale, y_zero)
    graph, deployed = agree(net, tolerance=1e-6)
    assert ops(deployed).count("int_conv2d") + ops(deployed).count("bit_conv2d") == 2
    assert not any(len(node.op.thresholds.values[0]) > 255 for node in graph.nodes if node.op.name == "multi_threshold")


@pytest.mark.parametrize("zero", [0, 3, 200])
def test_integer_layers_with_rescaling_behind_them(rng, zero):
    """As onnxruntime writes them where scales are known: the sums, a cast, a scale, a bias, a rectifier, a quantizer."""
    net = Net((1, 3, 6, 6))
    x = net("QuantizeLinear", net.name, np.float32(0.3), np.uint8(zero))
    sums = net("ConvInteger", x, codes(rng, (5, 3, 3, 3), np.int8), np.uint8(zero), np.int8(-7))
    real = net("Mul", net("Cast", sums, to=FLOAT), np.float32(rng.uniform(0.001, 0.003, (5, 1, 1))))
    real = net("Relu", net("Add", real, np.float32(rng.normal(0, 3, (1, 5, 1, 1)))))
    x = net("QuantizeLinear", real, np.float32(0.37), np.uint8(0))
    x = net("Flatten", x)
    sums = net("MatMulInteger", x, codes(rng, (80, 4), np.int8), np.uint8(0))
    _, deployed = agree(net, net("Mul", net("Cast", sums, to=FLOAT), np.float32(0.5)))
    assert {"int_conv2d", "int_dense"} <= set(ops(deployed))


def test_int32_bias_of_an_integer_layer(rng):
    net = Net((1, 6))
    x = net("QuantizeLinear", net.name, np.float32(0.5), np.uint8(9))
    sums = net("MatMulInteger", x, codes(rng, (6, 4), np.int8), np.uint8(9))
    sums = net("Add", sums, rng.integers(-900, 900, 4).astype(np.int32))
    net.quant(net("Cast", sums, to=FLOAT), 4, 300.0)
    agree(net)


def test_images_of_bytes_are_taken_as_they_are(rng):
    """A model whose input is uint8: casts and scales in front of the first quantizer are thresholds on bytes."""
    net = Net((1, 3, 5, 5), UINT8)
    x = net("Div", net("Cast", net.name, to=FLOAT), np.float32(255))
    x = net.quant(net("Sub", x, np.float32(np.array([0.4, 0.5, 0.45]).reshape(3, 1, 1))), 4, 0.07)
    net("Conv", x, signs(rng, 2, 3, 3, 3))
    graph, _ = agree(net, tolerance=1e-5)
    assert ops(graph)[0] == "multi_threshold"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda n: n("MatMulInteger", n.quantized(), n.bytes(9, 4), np.full(9, 3, np.uint8)), "zero point per row"),
        (lambda n: n("Add", n.quantized(), np.uint8(3)), "Add of uint8, which may wrap"),
        (lambda n: n("Cast", n("Mul", n.name, np.float32(9)), to=UINT8), "casts float32 that may wrap"),
        (lambda n: n("Cast", n("MatMulInteger", n.quantized(), n.bytes(9, 4)), to=UINT8), "casts int32 that may wrap"),
        (lambda n: n("DynamicQuantizeLinear", n.name, outputs=3), "no meaning for operator DynamicQuantizeLinear"),
        (lambda n: n("Mul", n("MatMulInteger", n.quantized(), n.bytes(9, 4)), np.int32(3)), "Mul of int32, which may wrap"),
        (lambda n: n("Add", *[n("MatMulInteger", n.quantized(), n.bytes(9, 4))] * 2), "Add of int32, which may wrap"),
    ],
)  # fmt: skip
def test_whole_numbers_that_a_graph_does_not_compute(build, message):
    class Bytes(Net):
        def quantized(self) -> str:
            return self("QuantizeLinear", self.name, np.float32(1), np.uint8(0))

        def bytes(self, *shape: int) -> np.ndarray:
            return np.random.default_rng(0).integers(-9, 9, shape).astype(np.int8)

    net = Bytes((1, 9))
    end = build(net)
    refused(net, message, f"{end}.0" if "Dynamic" in message else end)

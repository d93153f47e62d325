"""Batches, layouts of images, types, constants, and chains that several read."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from tests.frontend.onnx.net import DOUBLE, FLOAT, HALF, QONNX, Net, agree, ops, refused, signs


def test_a_batch_of_another_size(rng):
    net = Net((4, 3, 4, 4))
    x = net("Flatten", net("Conv", net.quant(net.name, 4, 4.0, 0), signs(rng, 2, 3, 3, 3)))
    x = net("Reshape", x, np.array([4, 8]))
    agree(net, net("Gemm", x, signs(rng, 8, 4), np.float32(rng.integers(-9, 9, 4))))
    agree(net, net("Gemm", x, signs(rng, 8, 4), np.float32([[5.0]])))
    refused(net, r"Gemm.*a constant of shape \[4, 1\]", net("Gemm", x, signs(rng, 8, 4), np.float32(np.arange(4)[:, None])))


def test_open_batches_and_shape_arithmetic(rng):
    net = Net(("batch", 3, 4, 4))
    x = net.quant(net.name, 4, 4.0, 0)
    batch = net("Unsqueeze", net("Gather", net("Shape", x), np.array(0), axis=0), np.array([0]))
    x = net("Reshape", x, net("Concat", batch, np.array([-1]), axis=0))
    agree(net, net("MatMul", x, signs(rng, 48, 5)))


@pytest.mark.parametrize(("shape", "first"), [((1, 5, 4, 3), False), ((1, 2, 5, 1), True), ((1, 3, 4, 1), True)])
def test_layout_of_the_image_is_told_by_its_reader(rng, shape, first):
    net = Net(shape)
    x = net.quant(net.name, 4, 4.0, 0)
    x = x if first else net("Transpose", x, perm=[0, 3, 1, 2])
    graph, _ = agree(net, net("Conv", x, signs(rng, 2, shape[1] if first else shape[3], 1, 1)))
    assert graph.types[graph.input].shape == ((*shape[2:], shape[1]) if first else shape[1:])


@pytest.mark.parametrize("kind", [DOUBLE, HALF])
def test_models_of_other_float_types(kind):
    real = np.float64 if kind == DOUBLE else np.float16
    net = Net((1, 8), kind)
    x = net("Clip", net("Mul", net.name, real(0.3)), real(0), real(15))
    x = net("Div", net("Round", x), real(4))
    graph, _ = agree(net)
    assert "multi_threshold" in ops(graph)


def test_popcounts_of_agreements(rng):
    net = Net((1, 40))
    bits = net.quant(net("Sub", net.name, np.float32(30)), 1, 1.0, 0)
    end = net("XnorPopcountMatMul", bits, np.float32(rng.integers(0, 2, (40, 7))), domain=QONNX)
    _, deployed = agree(net, end)
    weight = next(node.op.weight for node in deployed.nodes if node.op.name == "bit_dense")
    assert str(weight.dtype) == "bipolar"


# constants


def test_scales_on_weights_keep_their_codes(rng):
    net = Net((1, 3, 4, 4))
    scaled = net(
        "Mul", np.float32(rng.uniform(0.1, 1, (4, 1, 1, 1))), net.quant(np.float32(rng.normal(size=(4, 3, 3, 3))), 4, 0.25)
    )
    net("Conv", net.quant(net.name, 4, 4.0, 0), net("Div", scaled, np.float32(3)))
    graph, _ = agree(net, tolerance=1e-4)
    assert str(next(node.op.weight.dtype for node in graph.nodes if node.op.name == "conv2d")) == "i4"


def test_a_filter_of_zeros_leaves_the_others_ternary(rng):
    weight = 0.3 * rng.integers(-1, 2, (9, 5)).astype(np.float32)
    weight[:, 2] = 0
    net = Net((1, 9))
    net("MatMul", net.quant(net.name, 4, 4.0, 0), weight)
    graph, _ = agree(net, tolerance=1e-4)
    assert str(next(node.op.weight.dtype for node in graph.nodes if node.op.name == "dense")) == "ternary"


def test_a_channel_that_never_changes_has_the_scale_of_the_others(rng):
    """A batch norm with gamma 0 in front: its codes are one, and a scale of its own would keep the layer from bits."""
    net = Net((1, 3))
    sums = net(
        "Cast",
        net("MatMulInteger", net("QuantizeLinear", net.name, np.float32(1), np.uint8(0)), np.eye(3, dtype=np.int8)),
        to=FLOAT,
    )
    x = net.quant(net("Mul", sums, np.float32([0.5, 0, 1])), 4, 0.75)
    net("MatMul", x, signs(rng, 3, 2))
    _, deployed = agree(net)
    assert "bit_dense" in ops(deployed)


# chains that several read


@pytest.mark.parametrize("sum_first", [True, False])
def test_what_two_read_is_written_once(rng, sum_first):
    """A clip read by a sum and, in front of a rounding that needs it to have an end, by a quantizer; in either order."""
    net = Net((1, 4, 3, 3))
    x = net("Conv", net.quant(net.name, 4, 4.0, 0), signs(rng, 4, 4, 1, 1))
    clipped = net("Clip", net("Mul", x, np.float32(0.25)), np.float32(-8), np.float32(7))
    total = net("Conv", clipped, signs(rng, 4, 4, 1, 1)) if sum_first else ""
    codes = net("Conv", net("Round", net("Mul", clipped, np.float32(2))), signs(rng, 4, 4, 1, 1))
    total = total or net("Conv", clipped, signs(rng, 4, 4, 1, 1))
    graph, _ = agree(net, net("Add", total, codes), deploys=False)
    assert ops(graph).count("clip") == 1


def test_a_cast_sum_that_two_read_is_real_to_both(rng):
    net = Net((1, 4))
    sums = net("MatMulInteger", net("QuantizeLinear", net.name, np.float32(1), np.uint8(3)), np.eye(4, dtype=np.int8))
    real = net("Cast", sums, to=FLOAT)
    scaled = net("MatMul", net("Mul", real, np.float32(0.5)), signs(rng, 4, 4))
    agree(net, net("Add", scaled, real))


def test_a_quantizer_read_by_two_is_one(rng):
    net = Net((1, 4, 3, 3))
    x = net.quant(net("Conv", net.quant(net.name, 4, 4.0, 0), signs(rng, 4, 4, 1, 1)), 4, 4.0)
    side = net("Conv", x, signs(rng, 4, 4, 1, 1))
    graph, _ = agree(net, net("Add", side, net.quant(net("Relu", x), 2, 8.0, 0)))
    assert ops(graph).count("multi_threshold") == 3

"""What becomes a graph means what the evaluator says, number for number."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")


from neurobin.errors import NeurobinError
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.reader import from_proto
from tests.frontend.onnx.net import FLOAT, STEP, Net, agree, ops, refused, signs


def test_slices_of_channels(rng):
    net = Net((1, 5, 3, 3))
    x = net.quant(net.name, 5, 2.0, 0)
    agree(net, net("Slice", x, np.array([1]), np.array([-1]), np.array([1])))
    agree(net, net("Slice", x, np.array([0, 0]), np.array([9, 4]), np.array([2, 1])))
    turned = net("Transpose", x, perm=[0, 2, 3, 1])
    agree(net, net("Transpose", net("Slice", turned, np.array([2]), np.array([4]), np.array([3])), perm=[0, 3, 1, 2]))


@pytest.mark.parametrize(
    ("starts", "ends", "axes", "steps"),
    [([0], [2], [2], [1]), ([-1], [-9], [1], [-1]), ([0], [5], [1], [2]), ([3], [3], [1], [1]), ([1], [3], [3], [1])],
)
def test_other_slices_are_refused(starts, ends, axes, steps):
    net = Net((1, 5, 3, 3))
    net("Slice", net.name, *(np.array(values) for values in (starts, ends, axes, steps)))
    refused(net, r"Slice_t0.*range of channels")


def test_splits_into_uneven_parts(rng):
    for parameters, count in (([np.array([1, 4, 2])], {}), ([], {"num_outputs": 3})):
        net = Net((1, 7, 3, 3))
        x = net.quant(net.name, 5, 2.0, 0)
        part = net("Split", x, *parameters, outputs=3, axis=1, **count)
        joined = net("Concat", f"{part}.2", f"{part}.0", f"{part}.1", axis=-3)
        agree(net, net("Conv", joined, signs(rng, 2, 7, 3, 3)))


def test_other_splits_are_refused():
    net = Net((1, 6, 4, 4))
    part = net("Split", net.name, np.array([0, 6]), outputs=2, axis=1)
    refused(net, r"Split_t0.*without channels", f"{part}.1")
    net = Net((1, 6, 4, 4))
    part = net("Split", net.name, np.array([2, 2]), outputs=2, axis=2)
    refused(net, r"Split_t0.*axis 2, which is not the channels'", f"{part}.1")


def test_concat_of_maps_with_channels_last(rng):
    net = Net((1, 3, 4, 4))
    a = net("Transpose", net.quant(net.name, 4, 4.0, 0), perm=[0, 2, 3, 1])
    b = net("Transpose", net.sign(net("Sub", net.name, np.float32(30))), perm=[0, 2, 3, 1])
    joined = net("Transpose", net("Concat", a, b, axis=3), perm=[0, 3, 1, 2])
    agree(net, net("Conv", joined, signs(rng, 2, 6, 3, 3)))
    refused(net, r"Concat.*joins axis 1, which is not the channels'", net("Concat", a, b, axis=1))
    refused(net, r"Concat.*not the channels'", net("Concat", a, net.name, axis=3))


@pytest.mark.parametrize("value", [-1, 0, 1])
def test_padding_before_a_binary_convolution(rng, value):
    net = Net((1, 3, 5, 4))
    x = net("Pad", net.sign(net("Sub", net.name, np.float32(30))), np.array([0, 0, 1, 2, 0, 0, 0, 1]), np.float32(value))
    net("Conv", x, signs(rng, 4, 3, 3, 2))
    graph, deployed = agree(net)
    assert "bit_conv2d" in ops(deployed)
    stored = graph.types[next(node.name for node in graph.nodes if node.op.name == "pad")].dtype
    assert str(stored) == ("bipolar" if value else "ternary")


@pytest.mark.parametrize(
    ("pads", "value", "mode"), [([0, 1, 0, 0, 0, 0, 0, 0], 0.0, "constant"), ([0, 0, -1, 0, 0, 0, 0, 0], 0.0, "constant"),
                                ([0, 0, 1, 0, 0, 0, 0, 0], 0.5, "constant"), ([0, 0, 1, 1, 0, 0, 1, 1], 0.0, "reflect")],
)  # fmt: skip
def test_other_paddings_are_refused(pads, value, mode):
    net = Net((1, 3, 5, 4))
    net("Relu", net("Pad", net.name, np.array(pads), np.float32(value), mode=mode))
    refused(net, r"Pad_t0.*pads")


def test_pools_rounding_up(rng):
    net = Net((1, 3, 6, 7))
    x = net.quant(net.name, 6, 1.0, 0)
    agree(net, net("MaxPool", x, kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1))
    agree(net, net("MaxPool", x, kernel_shape=[3, 3], strides=[2, 3], pads=[1, 1, 1, 1], ceil_mode=1))
    agree(net, net("MaxPool", x, kernel_shape=[2, 2], strides=[1, 2], dilations=[2, 3], ceil_mode=1))
    agree(net, net("MaxPool", x, kernel_shape=[3, 3], strides=[4, 4], pads=[0, 0, 2, 2]))
    assert agree(net, net("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 1], count_include_pad=1))
    assert agree(net, net("AveragePool", x, kernel_shape=[4, 1], strides=[4, 1], pads=[0, 0, 1, 0]))  # no window gets there
    up = net("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    refused(net, r"AveragePool.*beyond the padding", up)
    padded = net("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    refused(net, r"AveragePool.*count_include_pad=0", padded)
    places = net("MaxPool", x, kernel_shape=[2, 2], outputs=2)
    refused(net, r"MaxPool.*the places", f"{places}.1")


def test_groups(rng):
    for groups in (1, 2, 3, 6):
        net = Net((1, 6, 5, 5))
        net("Conv", net.sign(net("Sub", net.name, np.float32(30))), signs(rng, 12, 6 // groups, 3, 3), group=groups)
        agree(net)


def test_quantizers_by_comparison(rng):
    net = Net((1, 3, 4, 4))
    level = np.float32(rng.normal(30, 5, (3, 1, 1)))
    for op in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
        for operands in ((net.name, level), (level, net.name)):
            x = net("Where", net(op, *operands), np.float32(-1), np.float32(1))
            agree(net, net("Conv", x, signs(rng, 2, 3, 3, 3)))
            agree(net, net("Cast", net("Not", net(op, *operands)), to=FLOAT))


def test_batch_norm_of_vectors(rng):
    net = Net((1, 9))
    x = net("MatMul", net.quant(net.name, 4, 4.0, 0), signs(rng, 9, 6))
    gamma, beta, mean = (np.rint(4 * rng.normal(0, 1, 6)) / 4 for _ in range(3))
    x = net("BatchNormalization", x, gamma, beta, mean, 4.0 ** rng.integers(-1, 2, 6), epsilon=0.0)
    agree(net, net.sign(x))


def test_batch_norm_along_another_axis_is_refused(rng):
    four = [np.float32(values) for values in (rng.normal(size=4), rng.normal(size=4), rng.normal(size=4), np.ones(4))]
    net = Net((1, 4, 4, 4))
    net("BatchNormalization", net("Transpose", net.name, perm=[0, 2, 3, 1]), *four)
    refused(net, r"BatchNormalization_t1.*along axis 1, which is not the channels'")
    net = Net((1, 4, 4))
    net("BatchNormalization", net.name, *four)
    refused(net, r"BatchNormalization_t0.*along axis 1")
    net = Net((1, 4, 4, 4))
    net("QuantizeLinear", net.name, np.float32([1, 2, 3, 4]), np.zeros(4, np.uint8), axis=2)
    refused(net, r"QuantizeLinear_t0.*along axis 2")


def test_training_forms_are_refused(rng):
    parts = [np.ones(4, np.float32)] * 4
    net = Net((1, 4))
    net.quant(net("BatchNormalization", net.name, *parts, outputs=3, training_mode=1) + ".0", 4)
    refused(net, r"BatchNormalization_t0.*training mode")
    net = Net((1, 4))
    net.quant(net("Dropout", net.name, np.float32(0.5), np.array(True)), 4)
    with pytest.raises(NeurobinError, match="Dropout_t0"):
        to_graph(from_proto(net.proto()), STEP)


def test_products_and_differences_of_computed_tensors(rng):
    net = Net((1, 3, 4, 4))
    x = net.quant(net.name, 4, 4.0, 0)
    gate = net.quant(net("Conv", net("GlobalMaxPool", x), signs(rng, 3, 3, 1, 1)), 4, 4.0)
    agree(net, net("Mul", x, gate))
    agree(net, net("Mul", net("Conv", x, signs(rng, 1, 3, 1, 1)), x))
    agree(net, net("Sub", x, net.quant(net("Conv", x, signs(rng, 3, 3, 1, 1)), 4, 4.0)))
    agree(net, net("Add", x, x))
    refused(net, r"Add.*adds tensors of shapes \[1, 3, 4, 4\] and \[1, 3, 1, 1\]", net("Add", x, gate))
    refused(net, r"Div.*Div of several computed tensors", net("Div", x, gate))
    refused(net, r"Max.*Max of several computed tensors", net("Max", x, gate))
    vector = net("Reshape", gate, np.array([1, 3]))
    refused(net, r"Mul.*joins tensors of shapes", net("Mul", net("Transpose", x, perm=[0, 2, 3, 1]), vector))


@pytest.mark.parametrize("shape", [(4, 4), (3, 4, 4), (1, 4), (1, 1, 1, 1, 1)])
def test_constants_that_vary_over_places_are_refused(shape):
    net = Net((1, 3, 4, 4))
    net("Relu", net("Add", net.name, np.ones(shape, np.float32) + np.arange(shape[-1])))
    refused(net, r"Add_t0.*a constant of shape")


def test_a_constant_that_stretches_the_tensor_is_refused():
    net = Net((1, 1))
    net("Relu", net("Mul", net.name, np.float32([1, 2, 3])))
    refused(net, r"Mul_t0.*a constant of shape \[3\] for a tensor of shape \[1, 1\]")

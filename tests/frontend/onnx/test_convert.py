"""What becomes a graph means what the evaluator says, number for number; what does not is refused by name, all at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from neurobin.errors import FormatError, NeurobinError, UnsupportedError
from neurobin.exec import packed, reference
from neurobin.frontend.images import Images
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.reader import from_proto
from neurobin.ir import Graph
from neurobin.passes import lower

QONNX = "qonnx.custom_op.general"
STEP = Images(scale=0.25)  # pixels are short binary fractions: float32 rounds none of the sums below
FLOAT, DOUBLE, HALF, UINT8 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.UINT8


class Net:
    """A model in the making: every constant may stand in place of a tensor's name."""

    def __init__(self, shape: tuple[object, ...], kind: int = FLOAT, opset: int = 18, name: str = "x") -> None:
        self.shape, self.kind, self.opset, self.name = shape, kind, opset, name
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def __call__(
        self, op: str, *inputs: object, outputs: int = 1, domain: str = "", name: str = "", **attributes: object
    ) -> str:
        """Adds a node; its first output, or with several a prefix to which their numbers are appended."""
        place = f"t{len(self.nodes)}"
        names = [place] if outputs == 1 else [f"{place}.{k}" for k in range(outputs)]
        read = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(helper.make_node(op, read, names, domain=domain, name=name or f"{op}_{place}", **attributes))
        return place

    def constant(self, values: object) -> str:
        array = np.asarray(values)
        array = array.astype(np.float32) if array.dtype == np.float64 and self.kind != DOUBLE else array
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def sign(self, x: str, scale: float = 1.0) -> str:
        return self("BipolarQuant", x, np.float32(scale), domain=QONNX)

    def quant(self, x: object, bits: int, scale: object = 1.0, signed: int = 1, narrow: int = 0, zero: float = 0.0) -> str:
        parameters = (np.asarray(scale, np.float32), np.float32(zero), np.float32(bits))
        return self("Quant", x, *parameters, domain=QONNX, signed=signed, narrow=narrow, rounding_mode="ROUND")

    def proto(self, *ends: str) -> ModelProto:
        graph = helper.make_graph(
            self.nodes, "net", [helper.make_tensor_value_info(self.name, self.kind, list(self.shape))],
            [helper.make_tensor_value_info(end, FLOAT, None) for end in ends or (self.nodes[-1].output[0],)], self.constants,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def whole_images(shape: tuple[int, ...], count: int = 8) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (count, *shape))


def agree(net: Net, *ends: str, deploys: bool = True, tolerance: float = 0.0) -> tuple[Graph, Graph]:
    """(graph, deployed graph), after evaluator and graph gave the same numbers, and both engines the same integers."""
    model = from_proto(net.proto(*ends))
    graph = to_graph(model, STEP)
    kind, batch = model.ports[0].kind, model.ports[0].shape[0]
    batch = batch if isinstance(batch, int) else 1
    last_first = graph.types[graph.input].shape != tuple(net.shape[2:] + net.shape[1:2]) if len(net.shape) == 4 else True
    pixels = whole_images(tuple(net.shape[1:]), 8)
    images = pixels * kind.type(0.25) if kind.kind == "f" else pixels.astype(kind)
    parts = [images[first : first + batch].astype(kind) for first in range(0, 8, batch)]
    wanted = np.concatenate([evaluate(model, {net.name: part})[model.outputs[0]] for part in parts])
    given = pixels if last_first or pixels.ndim != 4 else pixels.transpose(0, 2, 3, 1)
    found = reference.run(graph, given)
    same = (found.transpose(0, 3, 1, 2) if found.ndim == 4 else found).reshape(wanted.shape)
    assert (np.abs(same - wanted) <= tolerance * np.maximum(1, np.abs(wanted))).all(), (
        f"{same.reshape(-1)[:6]} for {wanted.reshape(-1)[:6]}"
    )
    assert len(np.unique(wanted)) > 1, "a result that is always the same shows nothing"
    if not deploys:
        return graph, graph
    deployed = lower(graph, given)
    assert np.array_equal(packed.run(deployed, given), reference.run(deployed, given))
    return graph, deployed


def refused(net: Net, message: str, *ends: str, kind: type[NeurobinError] = UnsupportedError) -> str:
    """The message of the refusal, after it was found to match."""
    with pytest.raises(kind, match=message) as caught:
        to_graph(from_proto(net.proto(*ends)), STEP)
    return str(caught.value)


def ops(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape).astype(np.float32)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


# whole numbers


def codes(rng: np.random.Generator, shape: tuple[int, ...], kind: type) -> np.ndarray:
    held = np.iinfo(kind)
    return rng.integers(held.min, held.max + 1, shape).astype(kind)


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


# parts, joins, layouts


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


# batches, layouts of images, types


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


# refusals


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda n: n("Round", n("Abs", n.name)), r"Round_t1.*more than 256 levels"),
        (lambda n: n.quant(n("Abs", n("Clip", n.name, np.float32(-9), np.float32(9))), 9), r"Quant.*more than 256 levels"),
        (lambda n: n("Round", n("PRelu", n.name, np.float32(-0.5))), r"Round_t1.*more than 256 levels"),
        (lambda n: n.quant(n.name, 12, 0.1), r"Quant.*more than 256 levels"),
        (lambda n: n("Where", n("Greater", n.name, n.name), np.float32(1), np.float32(0)), "several computed tensors"),
        (lambda n: n("Where", np.array([True, False] * 2), n.name, np.float32(3)), r"Where_t0.*input 1 is computed"),
        (lambda n: n("Div", np.float32(3), n.name), r"Div_t0.*a constant by what is computed"),
        (lambda n: n("Pow", n.name, np.float32(2)), r"Pow_t0.*no meaning for operator Pow"),
        (lambda n: n("PRelu", np.float32([1, 2, 3, 4]), n.name), r"PRelu_t0.*input 1 is computed from the image"),
        (lambda n: n("Clip", np.float32([[1, 2, 3, 4]]), n.name), r"Clip_t0.*input 1 is computed"),
        (lambda n: n("MatMul", np.ones((4, 4), np.float32), n.name), "a constant"),
        (lambda n: n("MatMul", n.name, n("Transpose", n.name)), r"MatMul_t1.*computed from the image"),
        (lambda n: n("Gemm", n.name, np.ones((1, 4), np.float32), transA=1), r"Gemm_t0.*transA"),
        (lambda n: n("ReduceMean", n.name, np.array([1])), r"ReduceMean_t0.*reduces axes \[1\]"),
        (lambda n: n("Relu", n("Softmax", n.name)), r"Softmax_t0.*a softmax that something reads"),
        (lambda n: n("Softmax", n("Relu", n.name), axis=0), r"Softmax_t1.*along axis 0, which is not the channels'"),
        (lambda n: n("ArgMax", n("Relu", n.name), axis=0), r"ArgMax_t1.*along axis 0"),
        (lambda n: n("Identity", n.name), "computes nothing"),
        (lambda n: n("Reshape", n.name, np.array([1, 2, 2])), r"Reshape_t0.*shape \[1, 2, 2\] from \[1, 4\]"),
    ],
)  # fmt: skip
def test_refusals_name_the_node_and_the_reason(build: Callable[[Net], str], message: str):
    net = Net((1, 4))
    refused(net, message, build(net))


def test_a_bias_that_does_not_fit_is_refused(rng):
    net = Net((1, 3, 4, 4))
    net("Conv", net.name, signs(rng, 4, 3, 3, 3), np.float32([1]))
    refused(net, r"Conv_t0.*a bias of shape \[1\] for 4 filters", kind=FormatError)


def test_softmax_and_arg_max_at_the_end_are_left_out(rng):
    for build in (lambda n, x: n("ArgMax", n("Softmax", x), axis=1), lambda n, x: n("LogSoftmax", x, axis=-1)):
        net = Net((1, 4))
        x = net("MatMul", net.name, signs(rng, 4, 3))
        graph = to_graph(from_proto(net.proto(build(net, x))), STEP)
        assert graph.output.startswith("MatMul")
        assert graph.meta["left_out"] in ("Softmax, ArgMax", "LogSoftmax")


def test_ends_and_sizes():
    net = Net((1, 4))
    a, b = net("Relu", net.name), net("Neg", net.name)
    refused(net, "1 inputs and 2 outputs, expected one of each", a, b)
    refused_open = Net((1, "height", 4, 3))
    refused_open("Relu", "x")
    refused(refused_open, r"leaves sizes open in \[1, 'height', 4, 3\].*export with fixed sizes")
    none = Net((1,))
    none("Relu", "x")
    refused(none, r"has shape \[1\], expected \[N, features\]")


def test_all_problems_are_listed_and_nothing_that_follows_from_them():
    net = Net((1, 4))
    first = net("Pow", net.name, np.float32(2))
    second = net("Round", net("Relu", first))
    third = net("Div", np.float32(3), net.name)
    fourth = net("Erf", net.name)
    message = refused(net, "Pow", net("Concat", second, net("Relu", third), fourth, axis=1))
    assert message.count(";") == 2
    assert all(name in message for name in ("Pow_t0", "Div_t3", "Erf_t4"))
    assert "Round" not in message


def test_many_problems_are_counted():
    net = Net((1, 4))
    many = [net("Pow", net.name, np.float32(k)) for k in range(2, 30)]
    message = refused(net, "and 8 more", net("Concat", *many, axis=1))
    assert message.count("no meaning for operator Pow") == 20


def test_reading_a_result_that_no_graph_has(rng):
    net = Net((1, 4))
    part = net("Dropout", net.name, outputs=2)
    refused(net, r"Cast_t1.*reads 't0\.1', a result that no graph has", net("Cast", f"{part}.1", to=FLOAT))
    refused(net, r"output 't0\.1'", f"{part}.1")


@pytest.mark.parametrize("name", ["a;b", "<b>&\"'</b>", "../../etc", "=1+1", "naïve ‮ name", "x" * 500, "a\nb"])
def test_odd_names_are_names(rng, name):
    """In the graph as letters and marks, in a refusal cut and escaped, and never two tensors of one name."""
    net = Net((1, 4), name=name)
    net.nodes.append(helper.make_node("MatMul", [name, net.constant(signs(rng, 4, 4))], ["y" + name], name=name))
    net.nodes.append(helper.make_node("Relu", ["y" + name], ["z"], name=name + "!"))
    graph, _ = agree(net)
    assert all(len(node.name) < 120 and node.name.isascii() and node.name.isprintable() for node in graph.nodes)
    net.nodes.append(helper.make_node("Erf", ["z"], ["end"], name=name))
    message = refused(net, "Erf")
    assert message.isprintable()

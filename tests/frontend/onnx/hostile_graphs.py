"""Hostile files whose operators ask for the impossible or the enormous, and whose numbers are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper

from tests.frontend.onnx.hostile_structures import QONNX, Hostile, fixed, later, node, proto, row, tensor

MAP = [1, 2, 6, 6]
EIGHTS = np.zeros((4, 4), np.uint8)
NAN, INF = float("nan"), float("inf")


def one(
    op: str, *values: object, shape: list[int] | None = None, domain: str = "", **attributes: object
) -> Callable[[Path], bytes]:
    """A model of one operator on x and constants; whole numbers become int64, what is an array stays what it is."""
    constants = []
    for index, value in enumerate(values):
        kind = value.dtype if isinstance(value, np.ndarray) else np.int64 if _whole(value) else np.float32
        constants.append(tensor(value, f"c{index}", kind))
    made = node(op, "x", *(constant.name for constant in constants), domain=domain, **attributes)
    return fixed(proto([made], constants, shape=shape))


def _whole(value: object) -> bool:
    return np.asarray(value).dtype.kind == "i"


def conv(weight: tuple[int, ...] = (2, 2, 3, 3), **attributes: object) -> Callable[[Path], bytes]:
    return one("Conv", np.ones(weight, np.float32), shape=MAP, **attributes)


def pool(**attributes: object) -> Callable[[Path], bytes]:
    return one("MaxPool", shape=MAP, **({"kernel_shape": [2, 2]} | attributes))


def folded(*nodes: NodeProto, end: str, constants: list[TensorProto] | None = None) -> Callable[[Path], bytes]:
    """A model that adds to x what nodes make of constants alone."""
    return fixed(proto([*nodes, node("Add", "x", end)], constants, shape=[1, 4]))


def _doubling(
    op: str, steps: int, constants: list[TensorProto], *others: str, **attributes: object
) -> Callable[[Path], bytes]:
    """A tensor of four elements that every node makes twice as large."""
    nodes = [node(op, f"d{i}", *(f"d{i}" if o == "self" else o for o in others), to=f"d{i + 1}", **attributes)
             for i in range(steps)]  # fmt: skip
    return folded(*nodes, end=f"d{steps}", constants=[tensor(np.ones(4), "d0"), *constants])


def _many(count: int) -> Callable[[Path], bytes]:
    """Many tensors of 60 MB each, none of them too large."""
    nodes = [node("Expand", "c", "s", to=f"e{i}") for i in range(count)]
    nodes.append(node("Max", *(f"e{i}" for i in range(count)), to="m"))
    return folded(*nodes, end="m", constants=[tensor(1.0, "c"), tensor([15_000_000], "s", np.int64)])


def _quantizers(count: int) -> ModelProto:
    """Every one of them takes a while to find the thresholds of."""
    nodes = []
    for i in range(count):
        nodes.append(node("MatMul", f"q{i}" if i else "x", "m", to=f"m{i}"))
        nodes.append(node("Quant", f"m{i}", "s", "z", "b", to=f"q{i + 1}", domain=QONNX, signed=1, narrow=0))
    constants = [tensor(np.eye(4), "m"), tensor(0.25, "s"), tensor(0.0, "z"), tensor(8.0, "b")]
    return proto([*nodes, node("Mish", f"q{count}")], constants)


def _branches(count: int) -> ModelProto:
    """One tensor, quantized in many ways."""
    nodes = [node("Quant", "x", "s", "z", "b", to=f"q{i}", domain=QONNX, signed=1, narrow=0) for i in range(count)]
    nodes.append(node("Concat", *(f"q{i}" for i in range(count)), axis=1))
    return proto(nodes, [tensor(0.25, "s"), tensor(0.0, "z"), tensor(8.0, "b")])


def _integers(zero: np.ndarray) -> Callable[[Path], bytes]:
    """A product of whole numbers with weights [4, 4] and their zero points."""
    nodes = [node("QuantizeLinear", "x", "s", to="q"), helper.make_node("MatMulInteger", ["q", "w", "", "z"], ["y"])]
    return fixed(proto(nodes, [tensor(1.0, "s"), tensor(EIGHTS, "w", np.uint8), tensor(zero, "z", zero.dtype)]))


def _scales(size: int) -> Callable[[Path], bytes]:
    """A quantizer with another scale for every pixel, of which the file has one."""
    nodes = [node("Expand", "c", "s", to="e"),
             node("Quant", "x", "e", "z", "b", domain=QONNX, signed=1, narrow=0)]  # fmt: skip
    constants = [tensor(0.3, "c"), tensor([1, size], "s", np.int64), tensor(0.0, "z"), tensor(8.0, "b")]
    return fixed(proto(nodes, constants, shape=[1, size]))


def _sorts(count: int, size: int) -> Callable[[Path], bytes]:
    nodes = [node("ConstantOfShape", "s", to="d0")]
    nodes += [helper.make_node("TopK", [f"d{i}", "s"], [f"d{i + 1}", f"p{i}"]) for i in range(count)]
    return folded(*nodes, end=f"d{count}", constants=[tensor([size], "s", np.int64)])


def _products(kind: int, size: int) -> Callable[[Path], bytes]:
    """A product of two matrices of ones that a few bytes of file ask for, over and over."""
    ones = helper.make_tensor("v", kind, [1], [1])
    nodes = [node("ConstantOfShape", "s", to="m0", value=ones)]
    nodes += [node("MatMul", f"m{i}", "m0", to=f"m{i + 1}") for i in range(50)]
    return folded(*nodes, end="m50", constants=[tensor([size, size], "s", np.int64)])


def quant(scale: object = 1.0, bits: object = 4.0, **attributes: object) -> Callable[[Path], bytes]:
    stated = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | attributes
    return one("Quant", scale, 0.0, bits, domain=QONNX, **stated)


def norm(variance: tuple[float, ...] = (1.0, 1.0), **attributes: object) -> Callable[[Path], bytes]:
    return one("BatchNormalization", [1.0, 1.0], [0.0, 0.0], [0.0, 0.0], list(variance), shape=MAP, **attributes)


def column(*values: float) -> np.ndarray:
    """Weights [n, 1]."""
    return np.array(values, np.float32)[:, None]


GRAPHS = (
    # windows
    Hostile("a stride of 0", conv(strides=[0, 1]), "strides [0, 1]"),
    Hostile("a stride of -1", conv(strides=[1, -1]), "strides [1, -1]"),
    Hostile("a stride of 2^62", conv(strides=[2**62, 1]), "the largest of strides"),
    Hostile("a dilation of 0", conv(dilations=[0, 0]), "dilations [0, 0]"),
    Hostile("a dilation of 2^62", conv(dilations=[2**62, 1]), "the largest of dilations"),
    Hostile("a dilation of 2^27 that padding follows", conv(dilations=[2**27, 2**27], auto_pad="SAME_UPPER"),
            "the limit elements", heavy=True),
    Hostile("a kernel of nothing", conv((2, 2, 0, 3)), "a kernel of shape [0, 3]"),
    Hostile("a kernel of 0", pool(kernel_shape=[0, 2]), "a kernel of shape [0, 2]"),
    Hostile("a kernel of 2^40", pool(kernel_shape=[2**40, 2]), "a kernel that spans"),
    Hostile("a kernel larger than the map", conv((2, 2, 9, 9)), "a kernel that spans [9, 9]"),
    Hostile("a kernel on three axes", pool(kernel_shape=[2, 2, 2]), "a kernel of shape [2, 2, 2]"),
    Hostile("a kernel that is not its weights'", conv(kernel_shape=[2, 2]), "with weights of shape [2, 2, 3, 3]"),
    Hostile("pads of -1", conv(pads=[-1, 0, 0, 0]), "none negative"),
    Hostile("pads of 2^40", conv(pads=[2**40] * 4), "the limit elements"),
    Hostile("three pads", pool(pads=[1, 1, 1]), "expected all beginnings"),
    Hostile("an unknown auto_pad", conv(auto_pad="EVERYWHERE"), "auto_pad is 'EVERYWHERE'"),
    Hostile("0 groups", conv(group=0), "in 0 groups"),
    Hostile("3 groups of 2 channels", conv(group=3), "in 3 groups"),
    Hostile("2^62 groups", conv(group=2**62), "groups with weights"),
    Hostile("channels that do not fit", conv((2, 5, 3, 3)), "2 channels in 1 groups"),
    # shapes
    Hostile("an order that names an axis twice", one("Transpose", perm=[0, 0]), "is no order of 2 axes"),
    Hostile("an axis that is not there", one("Flatten", shape=MAP, axis=9), "axis 9 of a tensor with 4 axes"),
    Hostile("a shape that does not hold", one("Reshape", [7, 7]), "do not fill shape [7, 7]"),
    Hostile("a shape with two unknowns", one("Reshape", [-1, -1]), "is no shape"),
    Hostile("a shape of 2^62", one("Reshape", [2**62, 2**62]), "do not fill shape"),
    Hostile("parts of other sizes", fixed(proto([helper.make_node("Split", ["x", "s"], ["y", "z"], axis=1)],
            [tensor([1, 99], "s", np.int64)])), "do not make 2 parts"),
    Hostile("a step of 0", one("Slice", [0], [2], [1], [0]), "has a step of 0"),
    Hostile("shapes that do not meet", fixed(proto([node("MatMul", "x", "w")], [tensor(np.ones((5, 2)), "w")])),
            "no inner axis in common"),
    # what is computed of constants alone
    Hostile("2^40 zeros", folded(node("ConstantOfShape", "s", to="z"), end="z", constants=[tensor([2**40], "s", np.int64)]),
            "the limit elements", heavy=True),
    Hostile("zeros of a negative size", folded(node("ConstantOfShape", "s", to="z"), end="z",
            constants=[tensor([-1], "s", np.int64)]), "has a negative size"),
    Hostile("a shape of 2^62 times 2^62", folded(node("Expand", "c", "s", to="e"), end="e",
            constants=[tensor(1.0, "c"), tensor([2**62, 2**62], "s", np.int64)]), "the limit elements"),
    Hostile("Concat doubling 60 times", _doubling("Concat", 60, [], "self", axis=0), "the limit", heavy=True),
    Hostile("Tile doubling 60 times", _doubling("Tile", 60, [tensor([2], "r", np.int64)], "r"), "the limit", heavy=True),
    Hostile("Pad of 2^40", _doubling("Pad", 1, [tensor([0, 2**40], "p", np.int64)], "p"), "the limit elements"),
    Hostile("a pad that takes more than there is", _doubling("Pad", 1, [tensor([0, -9], "p", np.int64)], "p"),
            "more away than"),
    Hostile("two hundred tensors of 60 MB", _many(200), "the limit total_bytes", heavy=True),
    Hostile("products of matrices of 4096 squared", _products(TensorProto.FLOAT, 4096), "the limit work", heavy=True),
    Hostile("whole products of 1024 squared", _products(TensorProto.INT64, 1024), "the limit work", heavy=True),
    Hostile("a chain of 18,000 operators", later(lambda: proto([*row("Relu", 18_000), node("Mish", "t18000")])),
            "the limit chain", heavy=True),
    Hostile("a chain of 18,000 constants", later(lambda: proto([node("Neg", "c", to="t1"), *row("Neg", 18_000)[1:],
            node("Mish", "t18000", to="z"), node("Add", "x", "z")], [tensor([1.0], "c")])),
            "no meaning for operator Mish", 3, heavy=True),
    Hostile("9,000 quantizers in a row", later(lambda: _quantizers(9_000)), "the limit work", heavy=True),
    Hostile("a quantizer of four million scales", _scales(2**22), "the limit work", heavy=True),
    Hostile("a quantizer of four million thresholds", _scales(2**14), "thresholds of all channels", 3, heavy=True),
    Hostile("a million groups", folded(node("ConstantOfShape", "s", to="a"), node("ConstantOfShape", "t", to="b"),
            node("Conv", "a", "b", to="c", group=2**20), end="c", constants=[tensor([1, 2**20, 1, 1], "s", np.int64),
            tensor([2**20, 1, 1, 1], "t", np.int64)]), "the limit work", heavy=True),
    Hostile("fifty sorts of 16 million", _sorts(50, 2**24), "the limit work", heavy=True),
    # what is computed of the image
    Hostile("Concat doubling the image 40 times", fixed(proto([node("Concat", f"t{i}" if i else "x", f"t{i}" if i else "x",
            to=f"t{i + 1}", axis=1) for i in range(40)] + [node("Relu", "t40")], shape=[1, 1, 64, 64])),
            "the limit map_elements", heavy=True),
    Hostile("an image padded to 8,000 squared", one("Pad", [0, 0, 4000, 4000, 0, 0, 4000, 4000], shape=MAP),
            "the limit map_elements", heavy=True),
    Hostile("windows of a million places", fixed(proto([node("MaxPool", "x", kernel_shape=[1000, 1000], pads=[999] * 4)],
            shape=[1, 1, 1000, 1000])), "the limit products", heavy=True),
    Hostile("a slice of 16 million images", fixed(proto([node("MatMul", "x", "m", to="a"),
            helper.make_node("Slice", ["a", "s", "e", "i"], ["y"])], [tensor(np.ones((4, 4096)), "m"),
            tensor([0], "s", np.int64), tensor([5], "e", np.int64), tensor([1], "i", np.int64)], shape=[2**24, 4])),
            "the limit elements", heavy=True),
    Hostile("a scale for each of a million channels", later(lambda: proto([node("BipolarQuant", "x", "s", domain=QONNX)],
            [tensor(np.linspace(0.5, 1, 2**20)[None], "s")], shape=[1, 2**20])), "the limit work", heavy=True),
    Hostile("3,000 quantizers of one tensor", later(lambda: _branches(3_000)), "the limit work", heavy=True),
    Hostile("zero points for other filters", _integers(np.zeros(3, np.uint8)), "zero points of shape [3] for weights"),
    Hostile("a zero point that is real", _integers(np.zeros(4, np.float32)), "input 3 is float32, which MatMulInteger does"),
    Hostile("a standard operator's name elsewhere", fixed(proto([node("Shape", "x", domain="evil")])),
            "no meaning for operator", 3),
    # what constants say of each other
    Hostile("a place that is not there", folded(node("Gather", "c", "i", to="g"), end="g",
            constants=[tensor(np.ones(4), "c"), tensor([9], "i", np.int64)]), "of an axis of size 4"),
    Hostile("a whole number over 0", folded(node("Div", "c", "z", to="q"), end="q",
            constants=[tensor([1], "c", np.int64), tensor([0], "z", np.int64)]), "divides a whole number by 0"),
    Hostile("operands of two types", folded(node("Add", "c", "i", to="s"), end="s",
            constants=[tensor([1.0], "c"), tensor([1], "i", np.int64)]), "input 1 is int64, beside one of float32"),
    # numbers
    Hostile("a weight that is NaN", one("MatMul", column(1, NAN, 1, 1)), "constant 'c0': is nan, at [1, 0]"),
    Hostile("a weight that is infinite", one("MatMul", column(1, 1, INF, 1)), "is inf, at [2, 0]"),
    Hostile("a weight that is denormal", one("MatMul", column(1, 1, 1, -1e-40)), "a denormal number, at [3, 0]"),
    Hostile("a float64 that is denormal", one("Add", np.array([[1, 5e-324, 1, 1]], np.float64)), "denormal number"),
    Hostile("a Constant node of NaN", folded(node("Constant", to="c", value=tensor([1.0, NAN], "t")), end="c"),
            "attribute 'value': is nan, at [1]"),
    Hostile("a slope that is infinite", one("LeakyRelu", alpha=INF), "attribute 'alpha': is inf"),
    Hostile("NaN that constants make", folded(node("Log", "c", to="n"), end="n", constants=[tensor(-1.0, "c")]),
            "(Log): makes NaN"),
    Hostile("a threshold that is NaN", one("MultiThreshold", [[0.0, NAN]], domain=QONNX, out_dtype="UINT4"), "at [0, 1]"),
    Hostile("a scale that is NaN", quant(scale=NAN), "is nan"),
    Hostile("a scale of 0", quant(scale=[[1.0, 0.0, 1.0, 1.0]]), "scale is 0.0 at [0, 1]"),
    Hostile("a negative scale", quant(scale=-1.0), "scale is -1.0"),
    Hostile("a scale that is not a constant's own", fixed(proto([node("Constant", to="s", value_float=-2.0),
            node("BipolarQuant", "x", "s", domain=QONNX)])), "scale is -2.0"),
    Hostile("two and a half bits", quant(bits=2.5), "a bit width of [2.5]"),
    Hostile("no bits", quant(bits=0.0), "a bit width of [0.0]"),
    Hostile("10^9 bits", quant(bits=1e9), "a bit width of [1000000000.0]"),
    Hostile("bits by channel", quant(bits=[[2.0, 3.0, 4.0, 5.0]]), "expected one whole number"),
    Hostile("one bit, unsigned and narrow", quant(bits=1.0, signed=0, narrow=1), "leave one code"),
    Hostile("narrow that is 2", quant(narrow=2), "attribute narrow is 2"),
    Hostile("rounding by dice", quant(rounding_mode="STOCHASTIC"), "rounding mode 'STOCHASTIC'", 3),
    Hostile("a bipolar scale of -1", one("BipolarQuant", [-1.0], domain=QONNX), "scale is -1.0 at [0]"),
    Hostile("a truncation to no bits", one("Trunc", 1.0, 0.0, 8.0, 0.0, domain=QONNX), "a bit width of [0.0]"),
    Hostile("a QuantizeLinear scale of 0", one("QuantizeLinear", 0.0), "scale is 0.0"),
    Hostile("a DequantizeLinear scale of -1", fixed(proto([node("DequantizeLinear", "w", "s", to="d"),
            node("MatMul", "x", "d")], [tensor(EIGHTS, "w", np.uint8), tensor(-1.0, "s")])), "scale is -1.0"),
    Hostile("a QLinearMatMul scale of 0", fixed(proto([node("QuantizeLinear", "x", "s", "z", to="q"),
            node("QLinearMatMul", "q", "s", "z", "w", "s", "z", "n", "z")],
            [tensor(1.0, "s"), tensor(0.0, "n"), tensor(0, "z", np.uint8), tensor(EIGHTS, "w", np.uint8)])),
            "y_scale is 0.0"),
    Hostile("a negative variance", norm(variance=(1.0, -0.5)), "variance is -0.5 at [1]"),
    Hostile("no variance and no epsilon", norm(variance=(0.0, 1.0), epsilon=0.0), "variance is 0.0 at [0]"),
    Hostile("an epsilon that is NaN", norm(epsilon=NAN), "attribute 'epsilon': is nan"),
    Hostile("a normalisation of another width", norm(variance=(1.0, 1.0, 1.0)), "variance has shape [3] for 2 channels"),
)  # fmt: skip

"""Hostile files whose tensors are not what their shapes and types say, or whose scales are those of other tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
from onnx import NodeProto, TensorProto, helper

from tests.frontend.onnx.hostile_structures import RELU, Hostile, bare, fixed, node, proto, tensor

NEWEST = 25  # the first opset with whole numbers of four and of two bits
INT4, UINT4, INT2 = TensorProto.INT4, TensorProto.UINT4, TensorProto.INT2
CODES = np.ones((4, 4), ml_dtypes.int4)


def weights(broken: TensorProto) -> Callable[[Path], bytes]:
    """A small model whose only constant is this."""
    return fixed(proto([node("MatMul", "x", "w")], [broken]))


def folded(end: NodeProto, *values: object, opset: int = NEWEST) -> Callable[[Path], bytes]:
    """A product of the image with what a node makes of these constants, c0 and on."""
    kinds = [value.dtype if isinstance(value, np.ndarray) else np.float32 for value in values]
    constants = [tensor(value, f"c{i}", kind) for i, (value, kind) in enumerate(zip(values, kinds, strict=True))]
    return fixed(proto([end, node("MatMul", "x", "e")], constants, opset=opset))


def scaled(scale: object, *zero: np.ndarray, **attributes: object) -> Callable[[Path], bytes]:
    """A product of the image with weights [4, 4] of four bits, whose scales and zero points are these."""
    names = ["c0", "c1", *(f"c{2 + i}" for i in range(len(zero)))]
    return folded(node("DequantizeLinear", *names, to="e", **attributes), CODES, np.asarray(scale, np.float32), *zero)


def quantized(
    *zero: np.ndarray, scale: object = 1.0, shape: list[int] | None = None, **attributes: object
) -> Callable[[Path], bytes]:
    """A quantizer of the image."""
    constants = [tensor(scale, "s"), *(tensor(value, "z", value.dtype) for value in zero)]
    names = [constant.name for constant in constants]
    nodes = [node("QuantizeLinear", "x", *names, to="q", **attributes), node("Cast", "q", to="y")]
    nodes[1].attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
    return fixed(proto(nodes, constants, shape=shape, opset=NEWEST))


TYPES = (
    Hostile("a negative size", weights(bare("w", [4, -2])), "has a negative size"),
    Hostile("2^40 elements", weights(bare("w", [2**20, 2**20])), "the limit elements"),
    Hostile("sizes whose product overflows", weights(bare("w", [2**32, 2**32])), "the limit elements"),
    Hostile("2^62 times nothing", weights(bare("w", [0, 2**62])), "the limit elements"),
    Hostile("100 axes", weights(bare("w", [1] * 100)), "the limit axes"),
    Hostile("an image of 2^62 pixels", fixed(proto([RELU], shape=[1, 2**62])), "the limit elements"),
    Hostile("an image of 2^24 pixels", fixed(proto([RELU], shape=[1, 2**24])), "the limit input_elements"),
    Hostile("an image of negative size", fixed(proto([RELU], shape=[1, -4])), "has a negative size"),
    Hostile("too few bytes", weights(bare("w", [4, 2], raw_data=bytes(31))), "take 32 bytes, has 31"),
    Hostile("too many bytes", weights(bare("w", [4, 2], raw_data=bytes(33))), "take 32 bytes, has 33"),
    Hostile("too few numbers", weights(bare("w", [4, 2], float_data=[1.0])), "1 are stored"),
    Hostile("values stored twice", weights(bare("w", [1], float_data=[1.0], raw_data=bytes(4))), "stored twice"),
    Hostile("an int8 of 300", weights(bare("w", [1], TensorProto.INT8, int32_data=[300])), "holds 300, which is no int8"),
    Hostile("a truth value of 7", weights(bare("w", [1], TensorProto.BOOL, raw_data=b"\x07")), "neither 0 nor 1"),
    Hostile("texts", weights(bare("w", [1], TensorProto.STRING, string_data=[b"a"])), "element type STRING", 3),
    Hostile("complex numbers", weights(bare("w", [1], TensorProto.COMPLEX64, float_data=[1.0, 2.0])), "COMPLEX64", 3),
    Hostile("an element type of 99", weights(bare("w", [1], 99)), "element type number 99", 3),
    Hostile("segments", weights(bare("w", [1], segment=TensorProto.Segment(begin=0, end=1))), "stored in segments", 3),
    # several elements in a byte
    Hostile("too few bytes of four bits", weights(bare("w", [4, 2], INT4, raw_data=bytes(3))), "int4 take 4 bytes, has 3"),
    Hostile("a byte for each four bits", weights(bare("w", [4, 2], UINT4, raw_data=bytes(8))), "take 4 bytes, has 8"),
    Hostile("too many bytes of two bits", weights(bare("w", [3, 3], INT2, raw_data=bytes(4))), "int2 take 3 bytes, has 4"),
    Hostile("a number for each four bits", weights(bare("w", [4, 2], INT4, int32_data=[1] * 8)), "which 4 numbers hold, 8"),
    Hostile("too few numbers of two bits", weights(bare("w", [3, 3], INT2, int32_data=[1] * 2)), "which 3 numbers hold, 2"),
    Hostile("a byte of 300", weights(bare("w", [2], UINT4, int32_data=[300])), "a byte of more than 8 bits"),
    Hostile("a byte of -1", weights(bare("w", [2], INT4, int32_data=[-1])), "a byte of more than 8 bits"),
    Hostile("2^40 elements of two bits", weights(bare("w", [2**40], INT2, raw_data=bytes(4))), "the limit elements"),
    Hostile("2^25 elements of two bits", weights(bare("w", [2**25], INT2, raw_data=bytes(4))),
            "the limit constant_elements"),
    Hostile("real numbers of eight bits", weights(bare("w", [4, 2], TensorProto.FLOAT8E4M3FN, raw_data=bytes(8))),
            "element type FLOAT8E4M3FN", 3),
    Hostile("real numbers of four bits", weights(bare("w", [4, 2], TensorProto.FLOAT4E2M1, raw_data=bytes(4))),
            "element type FLOAT4E2M1", 3),
    # types where they are not known
    Hostile("a sum of four bits", folded(node("Add", "c0", "c1", to="e"), CODES, CODES), "is int4, which Add does not"),
    Hostile("four bits before their time", folded(node("DequantizeLinear", "c0", "c1", to="e"), CODES, 1.0, opset=19),
            "input 0 is int4, which DequantizeLinear does not"),
    Hostile("a cast before its time", folded(helper.make_node("Cast", ["c0"], ["e"], to=INT4), np.ones((4, 4), np.float32),
            opset=19), "makes int4, which Cast of opset 19 does not"),
    Hostile("quantized to a type that is no code", quantized(output_dtype=TensorProto.INT32), "makes int32, which Quantize"),
    Hostile("quantized to real numbers", quantized(output_dtype=TensorProto.FLOAT), "quantizes to float32", 3),
    Hostile("quantized to a type of 99", quantized(output_dtype=99), "element type number 99", 3),
    Hostile("quantized to two types", quantized(np.zeros((), ml_dtypes.uint4), output_dtype=INT4),
            "output_dtype is int4, the zero point is uint4"),
    Hostile("dequantized to codes", scaled(1.0, output_dtype=TensorProto.INT8), "output_dtype is int8, expected real"),
    Hostile("divided in whole numbers", quantized(np.zeros((), ml_dtypes.uint4), precision=TensorProto.INT64),
            "divides in int64", 3),
    Hostile("a zero point of another type", scaled(1.0, np.zeros((), ml_dtypes.uint4)), "is uint4, beside one of int4"),
    # scales of blocks
    Hostile("blocks of -2", scaled(np.ones((4, 2)), axis=1, block_size=-2), "block_size is -2, expected a positive"),
    Hostile("blocks of -2^63", scaled(1.0, axis=1, block_size=-(2**63)), "expected a positive number"),
    Hostile("blocks of no size", scaled(np.ones((4, 2)), axis=1, block_size=0), "of shape [4, 2] without a block_size"),
    Hostile("blocks of another size", scaled(np.ones((4, 2)), axis=1, block_size=1), "of [4, 4], expected [4, 4]"),
    Hostile("blocks of 2^62", scaled(np.ones((4, 2)), axis=1, block_size=2**62), "of [4, 4], expected [4, 1]"),
    Hostile("blocks along another axis", scaled(np.ones((4, 2)), axis=0, block_size=2), "of [4, 4], expected [2, 4]"),
    Hostile("blocks along no axis", scaled(np.ones((4, 2)), axis=9, block_size=2), "axis 9 of a tensor with 2 axes"),
    Hostile("blocks of another tensor", scaled(np.ones((2, 2)), axis=1, block_size=2), "of shape [2, 2] for blocks of 2"),
    Hostile("blocks in a row", scaled(np.ones(4), axis=0, block_size=1), "of shape [4] for blocks of 1"),
    Hostile("zero points of other blocks", scaled(np.ones((4, 2)), np.zeros((4, 4), ml_dtypes.int4), axis=1, block_size=2),
            "of shape [4, 4] for blocks of 2"),
    Hostile("a block's scale of 0", scaled([[1, 1], [1, 0], [1, 1], [1, 1]], axis=1, block_size=2), "is 0.0 at [1, 1]"),
    Hostile("a block's scale of NaN", scaled([[1, 1]] * 3 + [[float("nan"), 1]], axis=1, block_size=2), "is nan, at [3, 0]"),
    Hostile("blocks of an image of another size", quantized(np.zeros((1, 3), ml_dtypes.uint4), scale=np.ones((1, 3)), axis=1,
            block_size=2), "of [1, 4], expected [1, 2]"),
    Hostile("blocks of places", quantized(np.zeros((1, 2, 1, 2), ml_dtypes.uint4), scale=[[[[1, 2]], [[1, 2]]]], axis=2,
            block_size=2, shape=[1, 2, 2, 2]), "blocks that lie apart from the channels", 3),
)  # fmt: skip

"""Convolutions and matrix products with a constant; what they add is an affine map."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import Conversion, real
from neurobin.frontend.onnx.convert.line import Line, whole, written
from neurobin.frontend.onnx.convert.values import BATCH, Fixed, Flow, per_channel
from neurobin.frontend.onnx.convert.weights import weight_and_scale, whole_weight
from neurobin.frontend.onnx.convert.windows import as_stated, pads, two
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.operators import Frame
from neurobin.frontend.onnx.operators._window import window
from neurobin.ir import FLOAT64, Constant
from neurobin.ops.affine import Affine
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.pad import Pad
from neurobin.ops.sum_pool2d import SumPool2d
from neurobin.passes.planes import integer_op


def matrix(c: Conversion, call: Call, index: int) -> Fixed:
    """A constant operand that must be there. Raises FormatError where it is left out, UnsupportedError where computed."""
    c.parameter(call, index)
    fixed = c.fixed(call, index)
    assert fixed is not None
    return fixed


def convolution(c: Conversion, call: Call, x: Flow, weight: Fixed, *, first: bool = True) -> Flow:
    """[M, C/g, KH, KW] filters -> [M, KH, KW, C/g]."""
    if weight.values.ndim != 4:
        raise UnsupportedError(f"a convolution over {weight.values.ndim - 2} axes, expected two", where=call.where)
    x = x.as_map(call, first)
    kernel = call.integers("kernel_shape") or weight.values.shape[2:]
    groups = call.integer("group")
    if tuple(kernel) != weight.values.shape[2:] or groups < 1 or x.channels != groups * weight.values.shape[1]:
        raise call.refuse(f"{x.channels} channels in {groups} groups with weights of shape {list(weight.values.shape)}")
    over = window(Frame(call, c.limits), x.sizes[:2], tuple(kernel))
    c.count(call, prod(over.sizes) * weight.values.size)
    values, scale = _weights(c, weight.map(lambda array: array.transpose(0, 2, 3, 1)))
    op = Conv2d(values, scale, two(over.strides), pads(over), 0, two(over.dilations), groups)
    return as_stated(call, _linear(c, op, x), over)


def _weights(c: Conversion, weight: Fixed) -> tuple[Constant, Constant]:
    return (whole_weight(weight), Constant(FLOAT64, np.ones(1))) if c.integers else weight_and_scale(weight)


def _linear(c: Conversion, op: Conv2d | Dense, x: Flow) -> Flow:
    """The layer; on whole numbers its integer op, which pads with what a `pad` before it adds and knows sums of windows."""
    if not c.integers:
        return c.add(op, x)
    if (op.scale.values != 1).any():
        raise UnsupportedError("a factor on whole numbers")
    if isinstance(op, Conv2d):
        ones = bool((op.weight.values == 1).all()) and op.dilation == (1, 1)
        if ones and op.weight.shape[0] == op.groups == x.channels:
            return c.add(SumPool2d(two(op.weight.shape[1:3]), op.stride, op.padding), x)
        before = c.made.get(x.name)
        if before is not None and isinstance(before.op, Pad) and not any(op.padding):
            op = replace(op, padding=before.op.padding, pad_value=before.op.value)
            x = replace(x, name=before.inputs[0], sizes=c.builder.types[before.inputs[0]].shape)
    return c.add(integer_op(op, op.weight, c.builder.types[x.name].dtype), x)


def product(c: Conversion, call: Call, x: Flow, weight: Fixed, factor: float = 1.0) -> Flow:
    """Vectors times a constant [I, O] on their right."""
    if weight.values.ndim != 2 or x.order != (BATCH, 0):
        shapes = f"{list(x.shape)} and {list(weight.values.shape)}"
        raise UnsupportedError(f"a product of shapes {shapes}, expected vectors times one matrix", where=call.where)
    if weight.values.shape[0] != x.channels:
        raise call.refuse(f"shapes {list(x.shape)} and {list(weight.values.shape)} have no inner axis in common")
    c.count(call, weight.values.size)
    values, scale = _weights(c, weight.map(lambda array: array.T))
    return _linear(c, Dense(values, real(scale.values * factor)), x)


def conv(c: Conversion, call: Call, *, first: bool = True) -> Flow:
    sums = convolution(c, call, c.flow(call.inputs[0]), matrix(c, call, 1), first=first)
    bias = c.fixed(call, 2)
    if bias is None:
        return sums
    if bias.values.shape != (sums.channels,):
        raise call.refuse(f"a bias of shape {list(bias.values.shape)} for {sums.channels} filters")
    return plus(c, sums, bias.values)


def plus(c: Conversion, flow: Flow, values: np.ndarray) -> Flow:
    """The flow and a constant [C] or [1], unless that is 0."""
    if c.integers:
        return written(c, Line(flow).plus(whole(values)))
    return c.add(Affine(bias=real(values.astype(np.float64))), flow) if values.any() else flow


def matmul(c: Conversion, call: Call) -> Flow:
    return product(c, call, c.flow(call.inputs[0]), matrix(c, call, 1))


def gemm(c: Conversion, call: Call) -> Flow:
    """alpha x B + beta C, with B transposed where asked."""
    weight = matrix(c, call, 1)
    if call.integer("transA"):
        raise UnsupportedError("multiplies with the transposed image (transA)", where=call.where)
    if call.integer("transB"):
        weight = weight.map(np.transpose)
    sums = product(c, call, c.flow(call.inputs[0]), weight, call.real("alpha"))
    bias = c.fixed(call, 2)
    return sums if bias is None else plus(c, sums, call.real("beta") * per_channel(bias.values, sums, call.where))


def agreements(c: Conversion, call: Call) -> Flow:
    """XnorPopcountMatMul: of K bits, (dot + K) / 2 agree, where bits 0 and 1 stand for -1 and +1."""
    weight = matrix(c, call, 1).values
    if ((weight != 0) & (weight != 1)).any():
        raise call.refuse("counts agreements of something else than bits 0 and 1")
    x = c.flow(call.inputs[0])
    kind = c.builder.types[x.name].dtype
    if kind.is_float or (kind.low, kind.high) not in ((0, 1), (0, 0)):
        raise UnsupportedError("counts agreements of values that need not be bits 0 and 1", where=call.where)
    signs = c.add(Affine(real(np.array(2.0)), real(np.array(-1.0))), x)
    dot = product(c, call, signs, Fixed(2.0 * weight - 1))
    return c.add(Affine(real(np.array(0.5)), real(np.array(weight.shape[0] / 2))), dot)

"""Layers of whole numbers, as onnxruntime's static quantizer and other tools write them.

A sum of products of codes less their zero points is what the graph computes anyway. QLinearConv and QLinearMatMul then
rescale it: round(sum x_scale w_scale / y_scale) + y_zero, saturated. That is a chain of operators that the evaluator knows,
in float64 as it computes them, and its thresholds are found over the whole numbers that the sum may be.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.chains import ROOM
from neurobin.frontend.onnx.convert.conversion import Conversion
from neurobin.frontend.onnx.convert.layers import convolution, matrix, plus, product
from neurobin.frontend.onnx.convert.values import Chain, Fixed, Flow, Step
from neurobin.frontend.onnx.convert.weights import whole
from neurobin.frontend.onnx.domains import STANDARD
from neurobin.frontend.onnx.kinds import bounds
from neurobin.frontend.onnx.model import Call

VERSION = 13  # of the operators a chain is made of: all of them take float64 then
_TYPES = {"float64": 11, "uint8": 2, "int8": 3}  # of TensorProto


def conv_integer(c: Conversion, call: Call) -> Flow:
    return _sums(c, call, (0, 2), (1, 3))


def matmul_integer(c: Conversion, call: Call) -> Flow:
    return _sums(c, call, (0, 2), (1, 3))


def qlinear_conv(c: Conversion, call: Call) -> Chain:
    bias = c.fixed(call, 8)
    sums = _sums(c, call, (0, 2), (3, 5), None if bias is None else bias.values)
    return _rescaled(c, call, sums, (-1, 1, 1))


def qlinear_matmul(c: Conversion, call: Call) -> Chain:
    if c.parameter(call, 1).size > 1:
        raise UnsupportedError("a scale per row of the image", where=call.where)
    return _rescaled(c, call, _sums(c, call, (0, 2), (3, 5)), (-1,))


def _sums(
    c: Conversion, call: Call, image: tuple[int, int], weights: tuple[int, int], bias: np.ndarray | None = None
) -> Flow:
    """The int32 sums of a layer; `image` and `weights` say which operands hold codes and their zero points.

    Raises UnsupportedError where a sum may leave 30 bits: the standard lets it wrap, a graph does not.
    """
    x, largest = _centred(c, call, *image)
    codes = matrix(c, call, weights[0]).values.astype(np.int64)
    zero = c.fixed(call, weights[1])
    convolves = "Conv" in call.op
    if codes.ndim < 2 or codes.size == 0:
        raise call.refuse(f"weights of shape {list(codes.shape)}")
    if zero is not None:
        codes = codes - _per_filter(call, zero.values.astype(np.int64), codes, 0 if convolves else codes.ndim - 1)
    per_filter = np.abs(codes).sum(axis=tuple(range(1, codes.ndim)) if convolves else 0)
    if int(per_filter.max()) * largest + int(np.abs(bias).max(initial=0) if bias is not None else 0) >= ROOM:
        raise UnsupportedError("sums that may leave 30 bits", where=call.where)
    weight = Fixed(codes.astype(np.float64), whole(codes))
    sums = convolution(c, call, x, weight) if convolves else product(c, call, x, weight)
    if bias is not None:
        if bias.shape != (sums.channels,):
            raise call.refuse(f"a bias of shape {list(bias.shape)} for {sums.channels} filters")
        sums = plus(c, sums, bias)
    return replace(sums, kind=np.dtype(np.int32))


def _per_filter(call: Call, values: np.ndarray, codes: np.ndarray, axis: int) -> np.ndarray:
    """One value, or one for each filter along an axis of the weights, as it broadcasts to them."""
    if values.size != 1 and values.shape != (codes.shape[axis],):
        raise call.refuse(f"zero points of shape {list(values.shape)} for weights of shape {list(codes.shape)}")
    return values.reshape(-1, *(1,) * (codes.ndim - 1 - axis))


def _centred(c: Conversion, call: Call, index: int, zero_index: int) -> tuple[Flow, int]:
    """(codes of the image less their zero point, the largest magnitude of such a code)."""
    name, zero = call.inputs[index], c.fixed(call, zero_index)
    raw = c.values[name]
    if isinstance(raw, Fixed):
        raise UnsupportedError("multiplies a constant with what is computed from the image", where=call.where)
    if zero is not None and zero.values.size != 1:
        raise UnsupportedError("a zero point per row of the image", where=call.where)
    origin = 0 if zero is None else int(zero.values.reshape(()))
    ends = (-128, 255) if zero is None else bounds(zero.values.dtype)  # without one, of int8 and of uint8
    largest = max(abs(end - origin) for end in ends)
    if zero is None or origin == 0:
        return c.flow(name), largest
    key = (name, origin)
    if key not in c.centred:
        less = _step(call, "DequantizeLinear", np.float32(1), zero.values.reshape(()), axis=1)
        c.centred[key] = c.realise(c, c.extend(name, less))
    return c.centred[key], largest


def _rescaled(c: Conversion, call: Call, sums: Flow, rows: tuple[int, ...]) -> Chain:
    """round(sums x_scale w_scale / y_scale) + y_zero, saturated, as the evaluator computes it."""
    x_scale, w_scale, y_scale, zero = (c.parameter(call, index) for index in (1, 4, 6, 7))
    if not zero.size == x_scale.size == y_scale.size == 1:
        raise UnsupportedError("a scale or zero point per row of the image or the result", where=call.where)
    ratio = (x_scale.reshape(()) * w_scale / y_scale.reshape(())).astype(np.float64)
    steps = (
        _step(call, "Cast", to=_TYPES["float64"]),
        _step(call, "Mul", ratio.reshape(rows) if ratio.size > 1 else ratio.reshape(())),
        _step(call, "Round"),
        _step(call, "Add", zero.reshape(()).astype(np.float64)),
        _step(call, "Clip", *(np.float64(end) for end in bounds(zero.dtype))),
        _step(call, "Cast", to=_TYPES[zero.dtype.name]),
    )
    return Chain(sums, steps)


def _step(call: Call, op: str, *constants: np.ndarray | np.generic, **attributes: int) -> Step:
    """An operator behind the sums of `call`, in its name."""
    made = Call(call.name, op, STANDARD, VERSION, ("", *("",) * len(constants)), ("",), attributes)
    return Step(made, 0, (None, *(np.asarray(constant) for constant in constants)))

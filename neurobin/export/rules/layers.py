"""Layers with weights, and scales by channel or place."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurobin.export.rules.types import exact_inputs, kind_of
from neurobin.export.writer import QONNX, Writer
from neurobin.ir import BIPOLAR, TERNARY, Constant, DType, Encoding, Node, int_for


def _weights(w: Writer, weight: Constant, scale: np.ndarray) -> str:
    """[O, KH, KW, C/g] or [O, I] as ONNX has them, [O, C/g, KH, KW]: behind a quantizer that gives scale * code."""
    values = np.moveaxis(weight.values, -1, 1).astype(np.float64)
    steps = scale.reshape(-1, *(1,) * (values.ndim - 1)) if scale.size > 1 else scale.reshape(())
    dtype = weight.dtype
    if dtype.is_float or (scale == 0).any():
        return w.constant(values * steps)
    if dtype == BIPOLAR:
        return w.add("BipolarQuant", w.constant(values * np.sign(steps)), w.constant(np.abs(steps)), domain=QONNX)
    if (scale < 0).any():  # a negative step turns its codes; those of two's complement need one bit more then
        values, steps = values * np.sign(steps), np.abs(steps)
        dtype = dtype if dtype.low == -dtype.high else int_for(-dtype.high, max(dtype.high, -dtype.low))
    narrow = dtype == TERNARY or dtype.encoding is Encoding.BIPOLAR
    bits = 2 if dtype == TERNARY else _bits(dtype)
    operands = (w.constant(values * steps), w.constant(steps), w.constant(0.0), w.constant(float(bits)))
    signed = int(dtype.low < 0)
    return w.add("Quant", *operands, domain=QONNX, signed=signed, narrow=int(narrow), rounding_mode="ROUND")


def _bits(dtype: DType) -> int:
    """Bits of the two's complement or unsigned type that holds every value; a signed one of 1 bit means -1 and +1 there."""
    if dtype.low >= 0:
        return dtype.high.bit_length()
    return max(dtype.high.bit_length(), (-dtype.low - 1).bit_length(), 1) + 1


def _operands(w: Writer, node: Node, op: Any) -> tuple[str, str]:
    """(input, weights) of a layer: codes behind a quantizer in float32, as they are in float64."""
    (x,), kind = exact_inputs(w, node)
    if kind is np.float64:
        return x, w.constant(np.moveaxis(op.weight.values, -1, 1), kind)
    scale = getattr(op, "scale", None)
    return x, _weights(w, op.weight, np.ones(1) if scale is None else scale.values)


def conv(w: Writer, node: Node, op: Any) -> str:
    """Padding with -1 or +1 is a node of its own: ONNX pads with 0."""
    x, filters = _operands(w, node, op)
    top, left, bottom, right = op.padding
    pads = [top, left, bottom, right]
    if op.pad_value and any(pads):
        x = w.add("Pad", x, w.constant([0, 0, top, left, 0, 0, bottom, right], np.int64), w.constant(float(op.pad_value)))
        pads = [0, 0, 0, 0]
    return w.add(
        "Conv", x, filters, result=node.name, kernel_shape=list(op.weight.shape[1:3]), strides=list(op.stride), pads=pads,
        dilations=list(op.dilation), group=op.groups,
    )  # fmt: skip


def dense(w: Writer, node: Node, op: Any) -> str:
    x, matrix = _operands(w, node, op)
    return w.add("MatMul", x, w.add("Transpose", matrix, perm=[1, 0]), result=node.name)


def affine(w: Writer, node: Node, op: Any) -> str:
    rank = len(kind_of(w, node).shape)
    scale, bias = (w.constant(w.by_channel(part.values, rank)) for part in (op.scale, op.bias))
    if not op.bias.values.any():
        return w.add("Mul", node.inputs[0], scale, result=node.name)
    if (op.scale.values == 1).all():
        return w.add("Add", node.inputs[0], bias, result=node.name)
    return w.add("Add", w.add("Mul", node.inputs[0], scale), bias, result=node.name)


def batch_norm(w: Writer, node: Node, op: Any) -> str:
    channels = kind_of(w, node).channels
    parts = [np.broadcast_to(part.values, channels) for part in (op.gamma, op.beta, op.mean, op.variance)]
    return w.add("BatchNormalization", node.inputs[0], *map(w.constant, parts), result=node.name, epsilon=op.epsilon)


def position_scale(w: Writer, node: Node, op: Any) -> str:
    (x,), number = exact_inputs(w, node)
    return w.add("Mul", x, w.constant(op.factor.values[None, None], number), result=node.name)

"""Operators on single elements, joins, views and paddings."""

from __future__ import annotations

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import real
from neurobin.frontend.onnx.convert.values import Flow, per_channel
from neurobin.frontend.tflite.convert.activations import activated
from neurobin.frontend.tflite.convert.conversion import Conversion
from neurobin.frontend.tflite.model import Operator
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.concat import Concat
from neurobin.ops.multiply import Multiply
from neurobin.ops.pad import Pad
from neurobin.ops.prelu import Prelu


def arithmetic(c: Conversion, operator: Operator) -> Flow:
    """ADD, SUB and MUL of two computed tensors, or of one and a constant for all or by channel."""
    for place in range(2):
        if c.is_constant(operator, 1 - place):
            x = c.flow(operator, place)
            constant = per_channel(c.fixed(operator, 1 - place).values, x, operator.where)
            return activated(c, operator, _with_constant(c, operator.op, x, constant, place))
    a, b = _aligned(c, operator, *(c.flow(operator, place) for place in range(2)))
    if operator.op == "MUL":
        return activated(c, operator, c.add(Multiply(), a, b))
    return activated(c, operator, c.add(Add(), a, c.affine(b, -1.0) if operator.op == "SUB" else b))


def _aligned(c: Conversion, operator: Operator, a: Flow, b: Flow) -> tuple[Flow, Flow]:
    """Two tensors of as many axes: [1, C] beside [1, H, W, C] is [1, 1, 1, C], as gates of channels are written."""
    if len(a.sizes) == len(b.sizes) or c.batch != 1:
        return a, b
    most = max(len(a.sizes), len(b.sizes))
    first, second = (c.shaped(operator, x, (1,) * (most - len(x.sizes)) + x.sizes) for x in (a, b))
    return first, second


def _with_constant(c: Conversion, op: str, x: Flow, constant: np.ndarray, place: int) -> Flow:
    if op == "MUL":
        return c.affine(x, constant)
    if op == "ADD":
        return c.affine(x, bias=constant)
    return c.affine(x, bias=-constant) if place == 0 else c.affine(x, -1.0, constant)


def prelu(c: Conversion, operator: Operator) -> Flow:
    """PRELU and LEAKY_RELU. From 8 bits to 8 bits slopes are part of the thresholds: the kernel rounds each of the two."""
    x = c.flow(operator, 0)
    slope = np.array(operator.options["alpha"]) if operator.op == "LEAKY_RELU" else c.fixed(operator, 1).values
    slopes = per_channel(slope, x, operator.where)
    stored = (c.tensor(operator, 0), c.model.tensors[operator.outputs[0]])
    return x if all(tensor.kind.kind in "iu" for tensor in stored) else c.add(Prelu(real(slopes)), x)


def same(c: Conversion, operator: Operator) -> Flow:
    """QUANTIZE and DEQUANTIZE: what changes is how the numbers are stored."""
    return c.flow(operator, 0)


def concatenation(c: Conversion, operator: Operator) -> Flow:
    parts = [c.flow(operator, place) for place in range(len(operator.inputs))]
    axis, rank = operator.integer("axis"), len(parts[0].shape) if parts else 0
    if not parts or axis not in (-1, rank - 1):
        raise UnsupportedError(f"joins axis {axis}, which is not the channels'", where=operator.where)
    kinds = {c.builder.types[part.name].dtype for part in parts}
    parts = parts if len(kinds) == 1 else [c.add(Affine(), part) for part in parts]
    return activated(c, operator, parts[0] if len(parts) == 1 else c.add(Concat(), *parts))


def pad(c: Conversion, operator: Operator) -> Flow:
    """PAD with zeros, PADV2 with one whole number, round height and width."""
    x, around = c.map(operator, 0), np.array(c.numbers(operator, 1), dtype=object)
    value = float(c.fixed(operator, 2).values.reshape(-1)[0]) if len(operator.inputs) > 2 else 0.0
    if around.size != 8 or around[[0, 1, 6, 7]].any() or min(around) < 0 or not value.is_integer():
        raise UnsupportedError(f"pads {around.tolist()[:16]} with {value}, expected height and width", where=operator.where)
    top, bottom, left, right = around[2:6].tolist()
    return c.add(Pad((top, left, bottom, right), int(value)), x) if any(around) else x


def reshape(c: Conversion, operator: Operator) -> Flow:
    """RESHAPE and SQUEEZE, into the shape that the output states; images stay apart."""
    x, stated = c.flow(operator, 0), c.model.tensors[operator.outputs[0]].shape
    if len(stated) < 2 or stated[0] != c.batch:
        shapes = f"{list(stated)} from {list(x.shape)}"
        raise UnsupportedError(f"shape {shapes}, expected the images to stay on axis 0", where=operator.where)
    return c.shaped(operator, x, stated[1:])

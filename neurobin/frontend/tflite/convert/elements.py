"""Operators on single elements of one tensor or two, and views."""

from __future__ import annotations

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import real
from neurobin.frontend.onnx.convert.values import Flow, per_channel
from neurobin.frontend.tflite.convert.activations import activated
from neurobin.frontend.tflite.convert.channels import total
from neurobin.frontend.tflite.convert.conversion import Conversion
from neurobin.frontend.tflite.convert.sums import scale_of
from neurobin.frontend.tflite.model import Operator
from neurobin.ops.add import Add
from neurobin.ops.clip import Clip
from neurobin.ops.multiply import Multiply
from neurobin.ops.prelu import Prelu
from neurobin.ops.relu import Relu

MOST = float(np.finfo(np.float32).max)


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
    return activated(c, operator, total(c, a, c.affine(b, -1.0) if operator.op == "SUB" else b))


def extreme(c: Conversion, operator: Operator) -> Flow:
    """MINIMUM and MAXIMUM of two computed tensors, or of one and a constant: a - max(a - b, 0) and a + max(b - a, 0).

    So a number within its bound stays what it is, however far the bound. 8-bit kernels compare what is stored. Raises
    UnsupportedError where operands and result have other scales.
    """
    tensors = [*(c.tensor(operator, place) for place in range(2)), c.model.tensors[operator.outputs[0]]]
    kinds = {tensor.kind for tensor in tensors}
    if len(kinds) > 1 or (tensors[0].kind.kind in "iu" and len({scale_of(tensor) for tensor in tensors}) > 1):
        what = "operands and result of different types or scales, which are compared as they are stored"
        raise UnsupportedError(what, where=operator.where)
    smaller = operator.op == "MINIMUM"
    sign = 1.0 if smaller else -1.0
    for place in range(2):
        if c.is_constant(operator, 1 - place):
            x = c.flow(operator, place)
            constant = per_channel(c.fixed(operator, 1 - place).values, x, operator.where)
            if (constant == constant[0]).all():
                low, high = (-MOST, float(constant[0])) if smaller else (float(constant[0]), MOST)
                return c.add(Clip(low, high), x)
            return _moved(c, x, c.affine(x, sign, -sign * constant), sign)
    a, b = _aligned(c, operator, *(c.flow(operator, place) for place in range(2)))
    return _moved(c, a, c.add(Add(), c.affine(a, sign), c.affine(b, -sign)), sign)


def _moved(c: Conversion, x: Flow, beyond: Flow, sign: float) -> Flow:
    """x - sign max(beyond, 0): how far x is beyond its bound is taken away."""
    return c.add(Add(), x, c.affine(c.add(Relu(), beyond), -sign))


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


def reshape(c: Conversion, operator: Operator) -> Flow:
    """RESHAPE and SQUEEZE, into the shape that the output states; images stay apart."""
    x, stated = c.flow(operator, 0), c.model.tensors[operator.outputs[0]].shape
    if len(stated) < 2 or stated[0] != c.batch:
        shapes = f"{list(stated)} from {list(x.shape)}"
        raise UnsupportedError(f"shape {shapes}, expected the images to stay on axis 0", where=operator.where)
    return c.shaped(operator, x, stated[1:])

"""Operators that only look at elements in another order or shape, and padding."""

from __future__ import annotations

from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import Conversion
from neurobin.frontend.onnx.convert.values import BATCH, LAST, MAP, Flow
from neurobin.frontend.onnx.evaluate import execute_on
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.operators import Frame
from neurobin.ops.flatten import Flatten
from neurobin.ops.pad import Pad
from neurobin.ops.reshape import Reshape


def view(c: Conversion, call: Call, x: Flow, shape: tuple[int, ...]) -> Flow:
    """The flow in another shape, as ONNX counts its elements: sizes of 1 come and go, and maps become vectors."""
    if shape == x.shape:
        return x
    if prod(shape) != prod(x.shape):
        raise call.refuse(f"{prod(x.shape)} elements do not fill shape {list(shape)}")
    if len(shape) == 2 and shape == (x.batch, prod(x.sizes)):
        if x.order == MAP:
            return c.add(Flatten(channels_first=x.sizes[0] * x.sizes[1] > 1), x, order=(BATCH, 0))
        if x.order == (BATCH, *range(len(x.sizes))):
            return c.add(Flatten(), x, order=(BATCH, 0))
    if x.order == (BATCH, 0) and len(shape) == 4 and shape[0] == x.batch:
        if shape[2:] == (1, 1):
            return c.add(Reshape((1, 1, shape[1])), x, order=MAP)
        if shape[1] == 1:
            return c.add(Reshape((shape[2], shape[3], 1)), x, order=MAP)
    if x.order == (BATCH, *range(len(x.sizes))) and len(shape) == 4 and shape[0] == x.batch:
        return c.add(Reshape(shape[1:]), x, order=LAST)
    raise UnsupportedError(f"shape {list(shape)} from {list(x.shape)}", where=call.where)


def shaped(c: Conversion, call: Call) -> Flow:
    """Reshape, Flatten, Squeeze, Unsqueeze: the evaluator says which shape it is, from a stand-in of the same shape."""
    x = c.flow(call.inputs[0])
    stand_in = np.broadcast_to(np.zeros((), x.kind), x.shape)
    operands = [stand_in, *(c.parameter(call, index) if name else None for index, name in enumerate(call.inputs) if index)]
    return view(c, call, x, execute_on(call, operands, c.limits, c.spent)[0].shape)


def transpose(c: Conversion, call: Call) -> Flow:
    """Only the order in which ONNX sees the axes changes; the graph's tensor stays."""
    x = c.flow(call.inputs[0])
    order = call.integers("perm") or tuple(reversed(range(len(x.order))))
    if sorted(order) != list(range(len(x.order))):
        raise call.refuse(f"{list(order)} is no order of {len(x.order)} axes")
    return Flow(x.name, tuple(x.order[axis] for axis in order), x.sizes, x.batch, x.kind)


def pad(c: Conversion, call: Call) -> Flow:
    """Padding of height and width with one whole number; negative padding is not here."""
    x = c.flow(call.inputs[0])
    widths = call.integers("pads") or tuple(int(width) for width in c.parameter(call, 1).reshape(-1))
    fill = c.fixed(call, 2)
    if fill is not None and fill.values.size != 1:
        raise call.refuse(f"the value to pad with has shape {list(fill.values.shape)}")
    stated = call.real("value") if "value" in call.attributes else 0.0
    value = stated if fill is None else fill.values.item()
    given = c.fixed(call, 3)
    rank = len(x.order)
    axes = tuple(range(rank)) if given is None else Frame(call, c.limits).axes([int(a) for a in given.values.flat], rank)
    if len(widths) != 2 * len(axes):
        raise call.refuse(f"pads {list(widths)} for {len(axes)} axes")
    around = dict.fromkeys(range(-1, 3), (0, 0))
    for place, axis in enumerate(axes):
        around[x.order[axis]] = (widths[place], widths[place + len(axes)])
    if not any(widths):
        return x
    outside = around[BATCH] != (0, 0) or around[2] != (0, 0)
    if not x.is_map or outside or min(widths) < 0 or call.text("mode") != "constant" or not float(value).is_integer():
        raise UnsupportedError(f"pads {list(widths)} with {value} in mode {call.text('mode')!r}", where=call.where)
    (top, bottom), (left, right) = around[0], around[1]
    return c.add(Pad((top, left, bottom, right), int(value)), x)

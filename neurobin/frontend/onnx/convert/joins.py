"""Operators on several computed tensors, or that take one apart: sums, products, parts of the channels."""

from __future__ import annotations

from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import Conversion, real
from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.onnx.evaluate import execute_on
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.operators import Frame
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.concat import Concat
from neurobin.ops.multiply import Multiply
from neurobin.ops.slice import Slice


def concat(c: Conversion, call: Call) -> Flow:
    parts = [c.flow(name) for name in call.inputs]
    axis = Frame(call, c.limits).axis(call.integer("axis"), len(parts[0].order))
    if any(part.order != parts[0].order for part in parts) or axis != parts[0].channel_axis:
        raise UnsupportedError(f"joins axis {axis}, which is not the channels'", where=call.where)
    if len(parts) == 1:
        return parts[0]
    kinds = {c.builder.types[part.name].dtype for part in parts}
    same = parts if len(kinds) == 1 else [c.add(Affine(), part) for part in parts]
    return c.add(Concat(), same[0], *(part.name for part in same[1:]))


def split(c: Conversion, call: Call) -> tuple[Flow, ...]:
    """Ranges of channels: the evaluator splits their numbers."""
    x = c.flow(call.inputs[0])
    axis = Frame(call, c.limits).axis(call.integer("axis"), len(x.order))
    if axis != x.channel_axis:
        raise UnsupportedError(f"splits axis {axis}, which is not the channels'", where=call.where)
    numbers = np.arange(x.channels).reshape([x.channels if a == axis else 1 for a in range(len(x.order))])
    operands = [numbers, *(c.parameter(call, index) if name else None for index, name in enumerate(call.inputs) if index)]
    parts = [part.reshape(-1) for part in execute_on(call, operands, c.limits)]
    if not all(len(part) for part in parts):
        raise UnsupportedError("a part without channels", where=call.where)
    return tuple(c.add(Slice(int(part[0]), int(part[-1]) + 1), x) for part in parts)


def slices(c: Conversion, call: Call) -> Flow:
    """A range of channels; other axes must stay whole. The evaluator takes numbers of places apart."""
    x = c.flow(call.inputs[0])
    places = np.arange(prod(x.shape)).reshape(x.shape)
    operands = [places, *(c.parameter(call, index) if name else None for index, name in enumerate(call.inputs) if index)]
    kept = execute_on(call, operands, c.limits)[0]
    axis = x.channel_axis
    others = [a for a in range(len(x.shape)) if a != axis]
    if not kept.size or any(kept.shape[a] != x.shape[a] for a in others):
        raise UnsupportedError(
            f"shape {list(kept.shape)} of {list(x.shape)}, expected a range of channels", where=call.where
        )
    first = int(kept.reshape(-1)[0]) // prod(x.shape[axis + 1 :]) % x.channels
    if not np.array_equal(kept, np.take(places, range(first, min(first + kept.shape[axis], x.channels)), axis)):
        raise UnsupportedError("takes something else than a range of channels in order", where=call.where)
    return x if kept.shape[axis] == x.channels else c.add(Slice(first, first + kept.shape[axis]), x)


def join(c: Conversion, call: Call) -> Flow:
    """Add, Sub and Mul of two computed tensors."""
    a, b = (c.flow(name) for name in call.inputs)
    if a.order != b.order or len(a.sizes) != len(b.sizes):
        raise UnsupportedError(f"joins tensors of shapes {list(a.shape)} and {list(b.shape)}", where=call.where)
    if a.kind.kind != "f":
        raise UnsupportedError(f"{call.op} of {a.kind.name}, which may wrap", where=call.where)
    if call.op == "Mul":
        return c.add(Multiply(), a, b.name)
    if a.sizes != b.sizes:
        raise UnsupportedError(f"adds tensors of shapes {list(a.shape)} and {list(b.shape)}", where=call.where)
    return c.add(Add(), a, (c.add(Affine(real(np.array(-1.0))), b) if call.op == "Sub" else b).name)

"""Operators that take a part of a tensor: ranges of channels, channels in another order, entries of a table."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import Conversion
from neurobin.frontend.onnx.convert.exact import trace
from neurobin.frontend.onnx.convert.line import Line, narrowed, whole, written
from neurobin.frontend.onnx.convert.values import Chain, Fixed, Flow
from neurobin.frontend.onnx.evaluate import execute_on
from neurobin.frontend.onnx.kinds import is_whole
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.operators import Frame
from neurobin.ir import Constant, int_for
from neurobin.ir.dtype import u
from neurobin.ops.channel_shuffle import ChannelShuffle
from neurobin.ops.lookup import Lookup
from neurobin.ops.slice import Slice


def split(c: Conversion, call: Call) -> tuple[Flow, ...]:
    """Ranges of channels: the evaluator splits their numbers."""
    x = c.flow(call.inputs[0])
    axis = Frame(call, c.limits).axis(call.integer("axis"), len(x.order))
    if axis != x.channel_axis:
        raise UnsupportedError(f"splits axis {axis}, which is not the channels'", where=call.where)
    numbers = np.arange(x.channels).reshape([x.channels if a == axis else 1 for a in range(len(x.order))])
    operands = [numbers, *(c.parameter(call, index) if name else None for index, name in enumerate(call.inputs) if index)]
    parts = [part.reshape(-1) for part in execute_on(call, operands, c.limits, c.spent)]
    if not all(len(part) for part in parts):
        raise UnsupportedError("a part without channels", where=call.where)
    return tuple(c.add(Slice(int(part[0]), int(part[-1]) + 1), x) for part in parts)


def slices(c: Conversion, call: Call) -> Flow:
    """A range of channels; other axes must stay whole. The evaluator takes numbers of places apart."""
    x = c.flow(call.inputs[0])
    Frame(call, c.limits, c.spent).room(x.shape, np.int64)
    places = np.arange(prod(x.shape)).reshape(x.shape)
    operands = [places, *(c.parameter(call, index) if name else None for index, name in enumerate(call.inputs) if index)]
    kept = execute_on(call, operands, c.limits, c.spent)[0]
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


def gather(c: Conversion, call: Call) -> Flow:
    """Channels in the order of a shuffle; of a table, in whole numbers, its entries."""
    if isinstance(c.values[call.inputs[0]], Fixed):
        return _looked_up(c, call)
    x, order = c.flow(call.inputs[0]), c.parameter(call, 1)
    axis = Frame(call, c.limits).axis(call.integer("axis"), len(x.order))
    if axis != x.channel_axis or order.shape != (x.channels,):
        raise UnsupportedError("takes something else than all channels in another order", where=call.where)
    everyone = np.arange(x.channels)
    shuffles = [ChannelShuffle(groups) for groups in range(1, x.channels + 1) if x.channels % groups == 0]
    found = next((op for op in shuffles if np.array_equal(op.reference(everyone), order)), None)
    if found is None:
        raise UnsupportedError("takes channels in an order that no shuffle has", where=call.where)
    return x if found.groups == 1 else c.add(found, x)


def _looked_up(c: Conversion, call: Call) -> Flow:
    """table[x - low]; the type of the numbers behind it is the table's."""
    table, places = c.parameter(call, 0), c.values[call.inputs[1]]
    Frame(call, c.limits).axis(call.integer("axis"), max(1, table.ndim))
    if not c.integers or isinstance(places, Fixed) or table.ndim != 1 or not table.size:
        raise UnsupportedError("looks up what is computed from the image", where=call.where)
    line = trace(c, places.flow, places.steps) if isinstance(places, Chain) else Line(places)
    if not line.is_shift or line.shift:
        line = Line(written(c, line))
    if not is_whole(line.flow.kind):
        raise call.refuse(f"looks up places of type {line.flow.kind.name}")
    values = narrowed(whole(table))
    low, high = int(values.min()), int(values.max())
    dtype = u(max(1, high.bit_length())) if low >= 0 else int_for(low, high)
    entries = Constant(dtype, values[None])
    return c.add(Lookup(entries, -int(line.bias[0])), replace(line.flow, kind=table.dtype))

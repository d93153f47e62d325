"""Pools, and the reductions that are pools by another name."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import Conversion
from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.onnx.convert.views import view
from neurobin.frontend.onnx.convert.windows import as_stated, pads, reaching, two
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.operators import Frame
from neurobin.frontend.onnx.operators._window import Window, window
from neurobin.ops.arg_max import ArgMax
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.channel_sum import ChannelSum
from neurobin.ops.max_pool2d import MaxPool2d


def _window(c: Conversion, call: Call, x: Flow) -> Window:
    over = window(Frame(call, c.limits), x.sizes[:2], call.integers("kernel_shape") or ())
    c.count(call, x.channels * prod(over.sizes) * prod(over.kernel))
    return over


def max_pool(c: Conversion, call: Call, *, first: bool = True) -> Flow:
    x = c.flow(call.inputs[0]).as_map(call, first)
    over = _window(c, call, x)
    if len(call.outputs) > 1 and call.outputs[1]:
        raise UnsupportedError("the places of the largest values", where=call.where)
    op = MaxPool2d(two(over.kernel), two(over.strides), reaching(over, x), two(over.dilations))
    return as_stated(call, c.add(op, x), over)


def average_pool(c: Conversion, call: Call) -> Flow:
    """A mean over padding too, or without any: then every window has the same number of elements."""
    x = c.flow(call.inputs[0]).as_map(call)
    over = _window(c, call, x)
    reach, stated = reaching(over, x), pads(over)
    if any(most > pad for most, pad in zip(reach, stated, strict=True)) or over.dilations != (1, 1):
        raise UnsupportedError("a mean of windows that reach beyond the padding, or are dilated", where=call.where)
    if any(reach) and not call.attributes.get("count_include_pad", 0):
        raise UnsupportedError("a mean over what is not padding (count_include_pad=0)", where=call.where)
    return as_stated(call, c.add(AvgPool2d(two(over.kernel), two(over.strides), reach), x), over)


def global_average(c: Conversion, call: Call) -> Flow:
    x = c.flow(call.inputs[0]).as_map(call)
    return c.add(AvgPool2d(two(x.sizes), (1, 1)), x)


def global_max(c: Conversion, call: Call) -> Flow:
    x = c.flow(call.inputs[0]).as_map(call)
    return c.add(MaxPool2d(two(x.sizes), (1, 1)), x)


def arg_max(c: Conversion, call: Call) -> Flow:
    """The place of the largest of a vector of whole numbers, the first of equal ones."""
    x = c.flow(call.inputs[0])
    axis = Frame(call, c.limits).axis(call.integer("axis"), len(x.order))
    last = call.attributes.get("select_last_index", 0)
    if not c.integers or len(x.sizes) != 1 or axis != x.channel_axis or last or not call.integer("keepdims"):
        raise UnsupportedError(
            "the place of the largest, which something reads; at the end it is left out", where=call.where
        )
    return replace(c.add(ArgMax(), x), kind=np.dtype(np.int64))


def reduce(c: Conversion, call: Call) -> Flow:
    """A mean over height and width is a global pool; a sum over the channels is one."""
    x = c.flow(call.inputs[0])
    axes = call.integers("axes")
    if axes is None:
        given = c.fixed(call, 1)
        axes = None if given is None else tuple(int(axis) for axis in given.values.reshape(-1))
    rank = len(x.order)
    wanted = Frame(call, c.limits).axes(tuple(range(rank)) if axes is None else axes, rank)
    reduced = {x.order[axis] for axis in wanted}
    if x.is_map and call.op == "ReduceMean" and reduced == {0, 1} and x.kind.kind == "f":
        pooled = c.add(AvgPool2d(two(x.sizes), (1, 1)), x)
        return pooled if call.integer("keepdims") else view(c, call, pooled, (x.batch, x.channels))
    if call.op == "ReduceSum" and reduced == {len(x.sizes) - 1} and call.integer("keepdims"):
        return c.add(ChannelSum(), x)
    raise UnsupportedError(f"reduces axes {sorted(wanted)} of shape {list(x.shape)}", where=call.where)

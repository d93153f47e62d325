"""Pools, and operators that move, join or choose elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurobin.export.rules.types import exact_inputs, kind_of, refuse
from neurobin.export.writer import FLOAT, INT64, Writer
from neurobin.ir import Node, TensorType


def _window(op: Any) -> dict[str, Any]:
    return {"kernel_shape": list(op.kernel), "strides": list(op.stride), "pads": list(op.padding)}


def max_pool(w: Writer, node: Node, op: Any) -> str:
    return w.add("MaxPool", node.inputs[0], result=node.name, dilations=list(op.dilation), **_window(op))


def avg_pool(w: Writer, node: Node, op: Any) -> str:
    return w.add("AveragePool", node.inputs[0], result=node.name, count_include_pad=1, **_window(op))


def sum_pool(w: Writer, node: Node, op: Any) -> str:
    """A convolution of every channel with ones, which adds whole numbers exactly."""
    channels, ((x,), number) = kind_of(w, node).channels, exact_inputs(w, node)
    ones = w.constant(np.ones((channels, 1, *op.kernel)), number)
    return w.add("Conv", x, ones, result=node.name, group=channels, **_window(op))


def pad(w: Writer, node: Node, op: Any) -> str:
    top, left, bottom, right = op.padding
    widths = w.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return w.add("Pad", node.inputs[0], widths, w.constant(float(op.value)), result=node.name)


def flatten(w: Writer, node: Node, op: Any) -> str:
    x, kind = node.inputs[0], kind_of(w, node)
    if len(kind.shape) == 3 and not op.channels_first:
        x = w.add("Transpose", x, perm=[0, 2, 3, 1])
    return w.add("Flatten", x, result=node.name, axis=1)


def reshape(w: Writer, node: Node, op: Any) -> str:
    """Through the graph's own order of elements, channels last."""
    before, after = kind_of(w, node), w.graph.types[node.name]
    x = node.inputs[0] if len(before.shape) == 1 else w.add("Transpose", node.inputs[0], perm=_last(before))
    if len(after.shape) == 1:
        return w.add("Reshape", x, w.constant([1, *after.shape], np.int64), result=node.name)
    x = w.add("Reshape", x, w.constant([1, *after.shape], np.int64))
    return w.add("Transpose", x, result=node.name, perm=[0, len(after.shape), *range(1, len(after.shape))])


def _last(kind: TensorType) -> list[int]:
    return [0, *range(2, len(kind.shape) + 1), 1]


def channel_shuffle(w: Writer, node: Node, op: Any) -> str:
    order = op.reference(np.arange(kind_of(w, node).channels)[None])[0]
    return w.add("Gather", node.inputs[0], w.constant(order, np.int64), result=node.name, axis=1)


def slice_(w: Writer, node: Node, op: Any) -> str:
    bounds = (w.constant([value], np.int64) for value in (op.start, op.stop, 1))
    return w.add("Slice", node.inputs[0], *bounds, result=node.name)


def channel_sum(w: Writer, node: Node, op: Any) -> str:
    return w.add("ReduceSum", exact_inputs(w, node)[0][0], w.constant([1], np.int64), result=node.name, keepdims=1)


def concat(w: Writer, node: Node, op: Any) -> str:
    return w.add("Concat", *node.inputs, result=node.name, axis=1)


def lookup(w: Writer, node: Node, op: Any) -> str:
    """table[x - low], of one row for all channels."""
    if len(op.table.values) > 1:
        raise refuse(node, "a table for each channel")
    place = w.add("Cast", w.add("Sub", node.inputs[0], w.constant(float(op.low))), to=INT64)
    return w.add("Gather", w.constant(op.table.values[0]), place, result=node.name, axis=0)


def arg_max(w: Writer, node: Node, op: Any) -> str:
    return w.add("Cast", w.add("ArgMax", node.inputs[0], axis=1, keepdims=1), result=node.name, to=FLOAT)

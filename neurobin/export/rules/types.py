"""Types of a node's tensors, and which of them float32 does not hold."""

from __future__ import annotations

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.export.writer import DOUBLE, EXACT, Writer
from neurobin.ir import DType, Node, TensorType

DOUBLE_EXACT = 2**53
TAKES_DOUBLE = {"requantise", "multiply", "multi_threshold", "sum_pool2d", "channel_sum", "position_scale"}


def kind_of(w: Writer, node: Node, index: int = 0) -> TensorType:
    return w.graph.types[node.inputs[index]]


def refuse(node: Node, what: str) -> UnsupportedError:
    return UnsupportedError(what, where=f"node {node.name!r} ({node.op.name})")


def most(dtype: DType) -> int:
    """The largest magnitude of a type."""
    return max(-dtype.low, dtype.high)


def is_double(w: Writer, name: str) -> bool:
    """True for a tensor of whole numbers that float32 does not hold: it travels in float64."""
    dtype = w.graph.types[name].dtype
    return not dtype.is_float and most(dtype) > EXACT


def exact_inputs(w: Writer, node: Node) -> tuple[list[str], type]:
    """(inputs, type of the constants beside them): all in float64 where an input or the result is, else as they are.

    Raises UnsupportedError where something reads that result which cannot.
    """
    if is_double(w, node.name):
        readers = {w.graph.by_name[name].op.name for name in w.graph.consumers[node.name]}
        dtype = w.graph.types[node.name].dtype
        if node.name in w.graph.outputs or not readers <= TAKES_DOUBLE or most(dtype) > DOUBLE_EXACT:
            raise refuse(node, f"results of {dtype}, beyond the whole numbers of float32")
    if not any(is_double(w, name) for name in (*node.inputs, node.name)):
        return list(node.inputs), np.float32
    return [name if is_double(w, name) else w.add("Cast", name, to=DOUBLE) for name in node.inputs], np.float64

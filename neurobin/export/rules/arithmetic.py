"""Sums, products and rescaling of single elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurobin.export.rules.types import DOUBLE_EXACT, exact_inputs, kind_of, most, refuse
from neurobin.export.writer import DOUBLE, EXACT, FLOAT, INT64, Writer
from neurobin.ir import BIPOLAR, DType, Node
from neurobin.ops.requantise import largest

LIFT = 2**62


def requantise(w: Writer, node: Node, op: Any) -> str:
    """floor((x m + b + half) / 2^shift), clipped."""
    rank, half = len(kind_of(w, node).shape), (1 << op.shift) >> 1
    multiplier, bias = (w.by_channel(part.values.astype(np.int64), rank) for part in (op.multiplier, op.bias))
    x = w.add("Mul", w.add("Cast", node.inputs[0], to=INT64), w.constant(multiplier, np.int64))
    reach = most(kind_of(w, node).dtype) * largest(multiplier) + largest(bias) + half
    return shifted(w, node, w.add("Add", x, w.constant(bias + half, np.int64)), reach, op.shift, op.dtype)


def shifted(w: Writer, node: Node, x: str, reach: int, shift: int, dtype: DType) -> str:
    """floor(x / 2^shift) of int64 numbers up to `reach`, clipped to a type, as float32.

    Division truncates, so x is lifted above 0 by a multiple of 2^shift that is taken off afterwards.
    """
    if most(dtype) > EXACT:
        raise refuse(node, f"results of {dtype}, beyond the whole numbers of float32")
    if shift and reach >= LIFT:
        raise refuse(node, f"products of up to {reach}, beyond the whole numbers below 2^62 that are shifted")
    if shift:
        lifted = w.add("Add", x, w.constant(LIFT, np.int64))
        x = w.add("Sub", w.add("Div", lifted, w.constant(1 << shift, np.int64)), w.constant(LIFT >> shift, np.int64))
    clipped = w.add("Clip", x, w.constant(dtype.low, np.int64), w.constant(dtype.high, np.int64))
    return w.add("Cast", clipped, result=node.name, to=FLOAT)


def add(w: Writer, node: Node, op: Any) -> str:
    if op.dtype is None:
        return w.add("Add", *node.inputs, result=node.name)
    total = w.add("Add", *node.inputs)
    return w.add("Clip", total, w.constant(float(op.dtype.low)), w.constant(float(op.dtype.high)), result=node.name)


def multiply(w: Writer, node: Node, op: Any) -> str:
    if not op.shift and op.dtype is None:
        return w.add("Mul", *exact_inputs(w, node)[0], result=node.name)
    half = (1 << op.shift) >> 1
    product = w.add("Mul", *(w.add("Cast", name, to=INT64) for name in node.inputs))
    reach = most(kind_of(w, node).dtype) * most(kind_of(w, node, 1).dtype) + half
    return shifted(
        w, node, w.add("Add", product, w.constant(half, np.int64)), reach, op.shift, w.graph.types[node.name].dtype
    )


def prelu(w: Writer, node: Node, op: Any) -> str:
    """Integers: floor(PRelu(x, slope 2^-shift) + 1/2) in float64, which leaves x >= 0 as it is."""
    kind = kind_of(w, node)
    slope = w.by_channel(op.slope.values.astype(np.float64), len(kind.shape))
    if kind.dtype.is_float:
        return w.add("PRelu", node.inputs[0], w.constant(slope), result=node.name)
    if most(kind.dtype) * largest(slope.astype(np.int64)) + (1 << op.shift) >= DOUBLE_EXACT:  # of half steps, 2^-shift each
        raise refuse(node, "products beyond the whole numbers of float64")
    x = w.add("Cast", node.inputs[0], to=DOUBLE)
    x = w.add("PRelu", x, w.constant(slope * 2.0**-op.shift, np.float64))
    x = w.add("Add", x, w.constant(0.5 if op.shift else 0.0, np.float64))
    return w.add("Cast", w.add("Floor", x), result=node.name, to=FLOAT)


def logic(w: Writer, node: Node, op: Any) -> str:
    """On -1 and +1 xnor is the product; on 0 and 1 it is 1 - |a - b|."""
    if op.kind in ("or", "and"):
        return w.add("Max" if op.kind == "or" else "Min", *node.inputs, result=node.name)
    if kind_of(w, node).dtype == BIPOLAR:
        return w.add("Mul", *node.inputs, result=node.name)
    return w.add("Sub", w.constant(1.0), w.add("Abs", w.add("Sub", *node.inputs)), result=node.name)


def clip(w: Writer, node: Node, op: Any) -> str:
    return w.add("Clip", node.inputs[0], w.constant(op.low), w.constant(op.high), result=node.name)

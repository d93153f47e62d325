"""Signs, quantizers and thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurobin.export.rules.types import DOUBLE_EXACT, is_double, kind_of, refuse
from neurobin.export.writer import EXACT, FLOAT, QONNX, Writer, qonnx_type
from neurobin.ir import Node


def sign(w: Writer, node: Node, op: Any) -> str:
    x = node.inputs[0]
    if op.threshold.values.any():
        rank = len(kind_of(w, node).shape)
        x = w.add("Sub", x, w.constant(w.by_channel(op.threshold.values, rank)))
    return w.add("BipolarQuant", x, w.constant(1.0), result=node.name, domain=QONNX)


def quantize(w: Writer, node: Node, op: Any) -> str:
    """round((2^k - 1) clip(x, 0, 1)): codes, as in the graph."""
    top = float(2**op.bits - 1)
    clipped = w.add("Clip", node.inputs[0], w.constant(0.0), w.constant(1.0))
    return w.add("Round", w.add("Mul", clipped, w.constant(top)), result=node.name)


def multi_threshold(w: Writer, node: Node, op: Any) -> str:
    """Channels that descend are turned: n of L thresholds reached by x is n of L missed by -x.

    #{x >= t} = L - #{-x > -t}, and on whole numbers -x > -t is -x >= -t + 1. Levels that are no even grid are a sum, one
    node for each distance between neighbours: y = low + sum over distances d of d #{thresholds that climb by d}.
    """
    kind, wide = kind_of(w, node), is_double(w, node.inputs[0])
    x, number = node.inputs[0], np.float64 if wide else np.float32
    rows = op.thresholds.values.astype(np.float64)
    down = np.broadcast_to(op.descending.values.astype(bool), max(len(rows), op.descending.shape[0]))
    if down.any():
        if kind.dtype.is_float:
            raise refuse(node, "descending thresholds of real values")
        rows = np.where(down[:, None], (1 - rows)[:, ::-1], rows)
        x = w.add("Mul", x, w.constant(w.by_channel(np.where(down, -1.0, 1.0), len(kind.shape)), number))
    if np.abs(rows).max() >= (DOUBLE_EXACT if wide else EXACT) and not kind.dtype.is_float:
        raise refuse(node, "thresholds beyond the whole numbers of float32")
    climbs, low = np.diff(op.levels), float(op.levels[0])
    layout = "NCHW" if len(kind.shape) == 3 else "NC"
    parts: list[str] = []
    distances = np.unique(climbs)
    for climb in distances:
        last = len(distances) == 1 and not wide
        parts.append(
            w.add(
                "MultiThreshold", x, w.constant(rows[:, climbs == climb], number), result=node.name if last else "",
                domain=QONNX, out_dtype=qonnx_type(op.dtype), out_scale=float(climb), out_bias=0.0 if parts else low,
                data_layout=layout,
            )
        )  # fmt: skip
    if wide:
        return w.add("Cast", parts[0] if len(parts) == 1 else w.add("Sum", *parts), result=node.name, to=FLOAT)
    return parts[0] if len(parts) == 1 else w.add("Sum", *parts, result=node.name)

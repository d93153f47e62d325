"""Thresholds of whole numbers as a file states them, on the tensor that a line is read off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.chains import parameter_axis
from neurobin.frontend.onnx.convert.conversion import Conversion, check_exact
from neurobin.frontend.onnx.convert.levels import type_of
from neurobin.frontend.onnx.convert.line import Line, numbers, times
from neurobin.frontend.onnx.convert.line import written as line_written
from neurobin.frontend.onnx.convert.values import Flow, Step
from neurobin.ir import BINARY, Constant, int_for
from neurobin.ir.dtype import u
from neurobin.ops.multi_threshold import MultiThreshold


@dataclass(frozen=True, eq=False)
class Stairs:
    """level = low + the sum of climbs[l] over the thresholds rows[c, l] that the line has reached."""

    line: Line
    rows: np.ndarray  # int64 [C or 1, L], ascending, no further out than one beyond the line's numbers
    climbs: np.ndarray  # int64 [L]
    low: int

    @property
    def high(self) -> int:
        return self.low + int(self.climbs.sum())


def of_thresholds(c: Conversion, line: Line, step: Step) -> Stairs:
    """A MultiThreshold. Raises UnsupportedError where its levels are no ascending whole numbers, or its type rounds them."""
    rows = step.constants[0]
    scale, bias = step.call.real("out_scale"), step.call.real("out_bias")
    if len(rows) > 1 and parameter_axis(line.flow, step) != line.flow.channel_axis:
        raise UnsupportedError("has thresholds along another axis than the channels'")
    if not (scale.is_integer() and bias.is_integer() and 0 < scale < 2**31 and abs(bias) < 2**31):
        raise UnsupportedError(f"levels {scale} n + {bias}, expected ascending whole numbers")
    check_exact(line.flow.kind, 0, int(scale) * rows.shape[1])  # before the bias is added
    return _stairs(c, line, rows, int(scale), int(bias))


def of_sign(c: Conversion, line: Line, step: Step) -> Stairs:
    """A BipolarQuant: +1 from 0 on, else -1."""
    if (step.constants[0] != 1).any():
        raise UnsupportedError("a sign whose scale is not 1")
    return _stairs(c, line, np.zeros((1, 1)), 2, -1)


def _stairs(c: Conversion, line: Line, rows: np.ndarray, climb: int, low: int) -> Stairs:
    if np.isnan(rows).any():
        raise UnsupportedError("thresholds that are NaN")
    least, most = line.ends(c)
    whole = np.ceil(np.clip(rows.astype(np.float64), least, most + 1)).astype(np.int64)
    return Stairs(line, np.sort(whole, axis=1), np.full(rows.shape[1], climb), low)


def summed(parts: Sequence[Stairs]) -> Stairs:
    """The sum of stairs on one line, added from the left. Raises UnsupportedError where channels climb in different orders.

    Thresholds that are equal in a channel do not say which climbs first there; another channel does.
    """
    if not all(part.line.same_as(parts[0].line) for part in parts):
        raise UnsupportedError("a sum of thresholds of different tensors")
    kind = parts[0].line.flow.kind
    for low, high in zip(*(np.cumsum([(part.low, part.high) for part in parts], axis=0).T), strict=True):
        check_exact(kind, int(low), int(high))
    channels = max(len(part.rows) for part in parts)
    rows = np.concatenate([np.broadcast_to(part.rows, (channels, part.rows.shape[1])) for part in parts], axis=1)
    climbs = np.concatenate([part.climbs for part in parts])
    for row in np.unique(rows, axis=0):
        order = np.argsort(row, kind="stable")
        if (np.diff(rows[:, order], axis=1) >= 0).all():
            return Stairs(parts[0].line, rows[:, order], climbs[order], sum(part.low for part in parts))
    raise UnsupportedError("a sum of thresholds that climb in another order in each channel")


def written(c: Conversion, found: Stairs) -> Flow:
    """Thresholds of the line's flow: x + b >= t where x >= t - b, and b - x >= t where not x >= b - t + 1."""
    line = found.line
    if line.shift or (abs(line.multiplier) != 1).any():
        line = Line(line_written(c, line))
    bias, up = (part.astype(np.int64)[:, None] for part in (line.bias, line.multiplier))
    source = c.builder.types[line.flow.name].dtype
    moved = np.where(up > 0, found.rows - bias, (bias - found.rows + 1)[:, ::-1])
    thresholds = Constant(int_for(source.low, source.high + 1), np.clip(moved, source.low, source.high + 1))
    down = Constant(BINARY, np.broadcast_to(up[:, 0] < 0, len(moved)).astype(np.int8))
    dtype = type_of(np.cumsum([found.low, *found.climbs]))
    if dtype is not None:
        return c.add(MultiThreshold(thresholds, dtype, down), line.flow)
    if (found.climbs != found.climbs[0]).any():
        raise UnsupportedError(f"no type has the levels {found.low} and those {found.climbs[:6].tolist()} ... above")
    counts = c.add(MultiThreshold(thresholds, u(len(found.climbs).bit_length()), down), line.flow)
    return line_written(c, times(c, Line(counts), numbers(int(found.climbs[0]))).plus(numbers(found.low)))

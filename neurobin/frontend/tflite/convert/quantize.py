"""Real numbers as a quantized tensor stores them: thresholds between the levels, then the scale.

What an operator writes is a monotone function of a whole number, its sum of products. `steps_of` finds where each level
begins from the operator's own arithmetic (`fixed_point`), so ties and double roundings are those of the kernel. In the graph
the sum s stands as unit * s; a threshold lies halfway between two sums, where the rounding of real numbers does no harm.
"""

from __future__ import annotations

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.staircase import NEVER, Function, steps_of
from neurobin.frontend.onnx.convert.values import FLOAT, Flow
from neurobin.frontend.tflite.convert.activations import level_bounds
from neurobin.frontend.tflite.convert.conversion import Conversion
from neurobin.frontend.tflite.convert.sums import SUMS, scale_of, summed, turns
from neurobin.frontend.tflite.model import Operator, Tensor
from neurobin.ir import BINARY, FLOAT64, Constant, DType, int_for
from neurobin.ir.dtype import u
from neurobin.ops.add import Add
from neurobin.ops.multi_threshold import MultiThreshold

SUM = np.dtype("<i4")  # of products, in every kernel


def stored(c: Conversion, operator: Operator, flow: Flow, tensor: Tensor) -> Flow:
    """An operator's result as the tensor holds it. Raises UnsupportedError where that is not 8 bits with one scale."""
    scale = scale_of(tensor)[0]
    if not summed(c, operator):
        return stairs(c, flow, tensor, lambda x, _: _nearest(x, scale), 1, FLOAT)
    sums = SUMS[operator.op](c, operator, scale)
    if not turns(c, operator):
        low, high = level_bounds(operator, scale)
        within = lambda x, channel: np.clip(sums.levels(x, channel), low, high)  # noqa: E731
        return stairs(c, flow, tensor, within, len(sums.unit), SUM, sums.unit)
    # It may fall below 0 and rises above. f(0) is 0, so f(x) = f(min(x, 0)) + f(max(x, 0)), and neither of them turns.
    below, above = (_held(sums.levels, limit) for limit in (np.minimum, np.maximum))
    parts = (stairs(c, flow, tensor, levels, len(sums.unit), SUM, sums.unit) for levels in (below, above))
    return c.add(Add(), *parts)


def _held(levels: Function, limit: np.ufunc) -> Function:
    """Levels of numbers that are held on one side of 0."""
    return lambda x, channel: levels(limit(x, 0), channel)


def stairs(
    c: Conversion,
    flow: Flow,
    tensor: Tensor,
    levels: Function,
    channels: int,
    kind: np.dtype,
    unit: np.ndarray | None = None,
) -> Flow:
    """Thresholds on a flow, then the tensor's scale: `levels` of numbers of `kind`, cut to what the tensor holds.

    With `unit` [channels] the flow is that times whole numbers, and thresholds lie between them.
    """
    scale, zero = scale_of(tensor)
    c.search(channels, tensor)
    ends = np.iinfo(tensor.kind)
    low, high = ends.min - zero, ends.max - zero
    firsts, results = steps_of(lambda x, channel: np.clip(levels(x, channel), low, high), channels, kind)
    dtype = _code_type(int(min(row.min() for row in results)), int(max(row.max() for row in results)))
    rows = np.stack([_row(first, row, dtype) for first, row in zip(firsts, results, strict=True)])
    if unit is not None:
        rows = np.where(np.abs(rows) < NEVER, unit[:, None] * (rows - 0.5), rows)
    down = np.array([row[0] > row[-1] for row in results], np.int8)
    return c.affine(c.add(MultiThreshold(Constant(FLOAT64, rows + 0.0), dtype, Constant(BINARY, down)), flow), scale)


def _row(firsts: np.ndarray, results: np.ndarray, dtype: DType) -> np.ndarray:
    """Thresholds of one channel, one per level of the type but the lowest (the highest where the levels fall).

    Its results are `results`, each but the first from one of `firsts` on; levels in between share a threshold.
    """
    wanted = np.arange(dtype.low + 1, dtype.high + 1)
    falling = results[0] > results[-1]
    climbing, wanted = (-results, np.arange(1 - dtype.high, 1 - dtype.low)) if falling else (results, wanted)
    if not (np.diff(climbing) > 0).all():
        raise UnsupportedError("rises and falls, so thresholds cannot stand for it")
    return np.concatenate([[-NEVER], firsts, [NEVER]])[np.searchsorted(climbing, wanted)]


def _code_type(low: int, high: int) -> DType:
    """The narrowest type of stored - zero point."""
    return u(max(1, high.bit_length())) if low >= 0 else int_for(low, high)


def _nearest(x: np.ndarray, scale: float) -> np.ndarray:
    """round(x / scale) in float32, halves away from zero."""
    with np.errstate(over="ignore"):
        ratio = x / np.float32(scale)
    return np.copysign(np.floor(np.abs(ratio) + np.float32(0.5)), ratio)

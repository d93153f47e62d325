"""What the vector unit computes: its own integer arithmetic for every op beside the array, on arrays int64 [B, ...].

Written from the ops' definitions without calling them, so that agreement with the reference engine means something.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurobin.ir import DType, Encoding

Compute = Callable[..., np.ndarray]


def _round_shift(values: np.ndarray, shift: int) -> np.ndarray:
    """values / 2^shift, halves upwards."""
    return (values + (1 << shift >> 1)) >> shift


def _saturate(values: np.ndarray, dtype: DType | None) -> np.ndarray:
    return values if dtype is None else np.minimum(np.maximum(values, dtype.low), dtype.high)


def _multi_threshold(op: Any, x: np.ndarray) -> np.ndarray:
    """Counts reached thresholds one by one; a descending channel counts those that are not reached."""
    down = op.descending.values != 0
    level = np.zeros(x.shape, dtype=np.int64)
    for threshold in op.thresholds.values.T.astype(np.int64):
        level += (x >= threshold) != down
    if op.dtype.scales:
        return np.sort(op.dtype.table)[level]
    return op.dtype.low + level * (2 if op.dtype.encoding is Encoding.BIPOLAR else 1)


def _requantise(op: Any, x: np.ndarray) -> np.ndarray:
    product = x * op.multiplier.values.astype(np.int64) + op.bias.values.astype(np.int64)
    return _saturate(_round_shift(product, op.shift), op.dtype)


def _prelu(op: Any, x: np.ndarray) -> np.ndarray:
    return np.where(x < 0, _round_shift(x * op.slope.values.astype(np.int64), op.shift), x)


def _add(op: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _saturate(a + b, op.dtype)


def _multiply(op: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _saturate(_round_shift(a * b, op.shift), op.dtype)


def _position_scale(op: Any, x: np.ndarray) -> np.ndarray:
    return x * op.factor.values.astype(np.int64)[None, :, :, None]


def _lookup(op: Any, x: np.ndarray) -> np.ndarray:
    """Compares with every number that has an entry and keeps the entry of the equal one."""
    found = np.zeros(x.shape, dtype=np.int64)
    for k, entry in enumerate(op.table.values.T.astype(np.int64)):
        found = np.where(x == op.low + k, entry, found)
    return found


def _logic(op: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """xnor of one true operand is the other one; of two false ones it is true."""
    if op.kind == "or":
        return np.where(a == 1, a, b)
    if op.kind == "and":
        return np.where(a == 1, b, a)
    return np.where(a == 1, b, np.where(b == 1, a, 1))


def _relu(op: Any, x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0)


def _abs(op: Any, x: np.ndarray) -> np.ndarray:
    return np.where(x < 0, -x, x)


def _arg_max(op: Any, x: np.ndarray) -> np.ndarray:
    """Scans from the left; only a strictly larger element takes over."""
    best, index = x[:, 0].copy(), np.zeros(len(x), dtype=np.int64)
    for k in range(1, x.shape[1]):
        larger = x[:, k] > best
        best, index = np.where(larger, x[:, k], best), np.where(larger, k, index)
    return index[:, None]


def _pool(combine: np.ufunc, op: Any, x: np.ndarray, neutral: int) -> np.ndarray:
    """Combines one tap of all windows after the other; padding holds the neutral element."""
    (kh, kw), (sh, sw) = op.kernel, op.stride
    dh, dw = getattr(op, "dilation", (1, 1))
    top, left, bottom, right = op.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=neutral)
    rows = (padded.shape[1] - dh * (kh - 1) - 1) // sh + 1
    columns = (padded.shape[2] - dw * (kw - 1) - 1) // sw + 1
    total = np.full((len(x), rows, columns, x.shape[3]), neutral, dtype=np.int64)
    for i in range(kh):
        for j in range(kw):
            tap = padded[:, i * dh :: sh, j * dw :: sw][:, :rows, :columns]
            combine(total, tap, out=total)
    return total


def _max_pool2d(op: Any, x: np.ndarray) -> np.ndarray:
    return _pool(np.maximum, op, x, int(np.iinfo(np.int64).min))


def _sum_pool2d(op: Any, x: np.ndarray) -> np.ndarray:
    return _pool(np.add, op, x, 0)


def _channel_sum(op: Any, x: np.ndarray) -> np.ndarray:
    return np.add.reduce(x, axis=-1, keepdims=True)


def _channel_shuffle(op: Any, x: np.ndarray) -> np.ndarray:
    """Output channel k reads channel (k mod groups) * share + k // groups."""
    k = np.arange(x.shape[-1])
    return x[..., k % op.groups * (x.shape[-1] // op.groups) + k // op.groups]


def _concat(op: Any, *inputs: np.ndarray) -> np.ndarray:
    return np.concatenate(inputs, axis=-1)


def _slice(op: Any, x: np.ndarray) -> np.ndarray:
    return x[..., op.start : op.stop]


def _pad(op: Any, x: np.ndarray) -> np.ndarray:
    top, left, bottom, right = op.padding
    n, h, w, c = x.shape
    out = np.full((n, top + h + bottom, left + w + right, c), op.value, dtype=np.int64)
    out[:, top : top + h, left : left + w] = x
    return out


def _flatten(op: Any, x: np.ndarray) -> np.ndarray:
    ordered = x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1)) if op.channels_first else x
    return ordered.reshape(len(x), -1)


def _reshape(op: Any, x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), *op.shape)


COMPUTE: dict[str, Compute] = {
    "abs": _abs,
    "add": _add,
    "arg_max": _arg_max,
    "channel_shuffle": _channel_shuffle,
    "channel_sum": _channel_sum,
    "concat": _concat,
    "flatten": _flatten,
    "logic": _logic,
    "lookup": _lookup,
    "max_pool2d": _max_pool2d,
    "multi_threshold": _multi_threshold,
    "multiply": _multiply,
    "pad": _pad,
    "position_scale": _position_scale,
    "prelu": _prelu,
    "relu": _relu,
    "requantise": _requantise,
    "reshape": _reshape,
    "slice": _slice,
    "sum_pool2d": _sum_pool2d,
}

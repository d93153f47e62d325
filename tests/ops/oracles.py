"""What every op means, a second time: plain loops over Python numbers, written from the definitions and not from the code.

An oracle takes the op and the operands [N, *shape] and gives an array of Python numbers (of any size: nothing wraps).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from neurobin.ir import TERNARY, DType, Encoding

Rule = Callable[[Any, int], Any]


def elementwise(x: np.ndarray, rule: Rule) -> np.ndarray:
    """rule(value, channel) at every position."""
    out = np.empty(x.shape, object)
    for index in np.ndindex(x.shape):
        out[index] = rule(x[index].item(), index[-1])
    return out


def pairwise(a: np.ndarray, b: np.ndarray, rule: Callable[[Any, Any], Any]) -> np.ndarray:
    """rule(a, b) with axes of size 1 repeated; the batch axis is common."""
    shape = (len(a), *(max(m, n) for m, n in zip(a.shape[1:], b.shape[1:], strict=True)))
    out = np.empty(shape, object)
    for index in np.ndindex(shape):
        left = tuple(k if size > 1 else 0 for k, size in zip(index[1:], a.shape[1:], strict=True))
        right = tuple(k if size > 1 else 0 for k, size in zip(index[1:], b.shape[1:], strict=True))
        out[index] = rule(a[(index[0], *left)].item(), b[(index[0], *right)].item())
    return out


def at(constant: Any, channel: int) -> Any:
    """A per-channel constant's value, or the one it has."""
    row = constant.values
    return row[channel].item() if len(row) > 1 else row[0].item()


def rounded(value: int, shift: int) -> int:
    """value / 2^shift, halves up."""
    return math.floor(Fraction(value, 2**shift) + Fraction(1, 2))


def clipped(value: int, dtype: DType | None) -> int:
    return value if dtype is None else min(max(value, members(dtype)[0]), members(dtype)[-1])


@cache
def members(dtype: DType) -> list[int]:
    """Every value in ascending order, from the definition of planes (the two ends only of a wide plain type)."""
    k = dtype.bits
    if dtype == TERNARY:
        return [-1, 0, 1]
    if k > 12 and not dtype.scales:
        return {Encoding.SIGNED: [-(2 ** (k - 1)), 2 ** (k - 1) - 1], Encoding.UNSIGNED: [0, 2**k - 1]}[dtype.encoding]
    weights = list(dtype.scales) or [2**j for j in range(k)]
    if dtype.encoding is Encoding.SIGNED:
        weights[-1] = -weights[-1]
    lower = -1 if dtype.encoding is Encoding.BIPOLAR else 0
    return sorted(sum(w * b for w, b in zip(weights, bits, strict=True)) for bits in itertools.product([lower, 1], repeat=k))


def taps(
    op: Any, x: np.ndarray, dilation: tuple[int, int]
) -> Iterator[tuple[int, int, int, list[tuple[int, int, int, int]]]]:
    """Every window as (n, oh, ow, [(kernel row, kernel column, map row, map column)]), padding included."""
    kernel = op.kernel if hasattr(op, "kernel") else op.weight.shape[1:3]
    top, left, bottom, right = op.padding
    for n in range(len(x)):
        rows = range(-top, x.shape[1] + bottom - dilation[0] * (kernel[0] - 1), op.stride[0])
        columns = range(-left, x.shape[2] + right - dilation[1] * (kernel[1] - 1), op.stride[1])
        for (oh, row), (ow, column) in itertools.product(enumerate(rows), enumerate(columns)):
            steps = itertools.product(range(kernel[0]), range(kernel[1]))
            yield n, oh, ow, [(r, c, row + r * dilation[0], column + c * dilation[1]) for r, c in steps]


def inside(x: np.ndarray, row: int, column: int) -> bool:
    return 0 <= row < x.shape[1] and 0 <= column < x.shape[2]


def gathered(found: dict[tuple[int, ...], Any], batch: int, *inner: int) -> np.ndarray:
    """An array from values by index; an empty batch has the inner shape given by `inner`."""
    shape = tuple(1 + max(index[axis] for index in found) for axis in range(4)) if found else (batch, *inner)
    out = np.empty(shape, object)
    for index, value in found.items():
        out[index] = value
    return out


def convolution(op: Any, x: np.ndarray) -> np.ndarray:
    outputs, _, _, depth = op.weight.shape
    weight = op.weight.values.tolist()
    maps = x.tolist()
    border = [op.pad_value] * x.shape[3]
    found = {}
    for n, oh, ow, window in taps(op, x, op.dilation):
        for o in range(outputs):
            first = o // (outputs // op.groups) * depth  # the group's first channel
            total = 0
            for r, c, row, column in window:
                pixel = maps[n][row][column] if inside(x, row, column) else border
                total += sum(w * v for w, v in zip(weight[o][r][c], pixel[first : first + depth], strict=True))
            found[n, oh, ow, o] = total
    return gathered(found, len(x))


def product(op: Any, x: np.ndarray) -> np.ndarray:
    rows = [[sum(w * v for w, v in zip(ws, vs, strict=True)) for ws in op.weight.values.tolist()] for vs in x.tolist()]
    return np.array(rows, object).reshape(len(x), len(op.weight.values))


def pool(op: Any, x: np.ndarray, reduce: Callable[[list[Any]], Any], dilation: tuple[int, int] = (1, 1)) -> np.ndarray:
    """`reduce` over the elements of each window that lie on the map."""
    found = {}
    for n, oh, ow, window in taps(op, x, dilation):
        for c in range(x.shape[3]):
            found[n, oh, ow, c] = reduce(
                [x[n, row, column, c].item() for _, _, row, column in window if inside(x, row, column)]
            )
    return gathered(found, len(x))


def multi_threshold(op: Any, x: np.ndarray) -> np.ndarray:
    levels = members(op.dtype)
    rows = op.thresholds.values.tolist()

    def rule(value: int, channel: int) -> int:
        row = rows[channel if len(rows) > 1 else 0]
        reached = sum(value >= threshold for threshold in row)
        return levels[len(row) - reached if at(op.descending, channel) else reached]

    return elementwise(x, rule)


def prelu(op: Any, x: np.ndarray) -> np.ndarray:
    def rule(value: int, channel: int) -> int:
        bent = value * at(op.slope, channel)
        return value if value >= 0 else rounded(bent, op.shift) if op.shift else bent

    return elementwise(x, rule)


def requantise(op: Any, x: np.ndarray) -> np.ndarray:
    def rule(value: int, channel: int) -> int:
        exact = value * at(op.multiplier, channel) + at(op.bias, channel)
        return clipped(rounded(exact, op.shift) if op.shift else exact, op.dtype)

    return elementwise(x, rule)


def multiply(op: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return pairwise(a, b, lambda m, n: clipped(rounded(m * n, op.shift) if op.shift else m * n, op.dtype))


def pad(op: Any, x: np.ndarray) -> np.ndarray:
    top, left, bottom, right = op.padding
    out = np.full((len(x), x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3]), op.value, object)
    for n, h, w, c in np.ndindex(x.shape):
        out[n, h + top, w + left, c] = x[n, h, w, c].item()
    return out


def concat(op: Any, *inputs: np.ndarray) -> np.ndarray:
    shape = inputs[0].shape[:-1]
    out = np.empty((*shape, sum(x.shape[-1] for x in inputs)), object)
    for index in np.ndindex(shape):
        out[index] = [value for x in inputs for value in x[index].tolist()]
    return out


def channel_shuffle(op: Any, x: np.ndarray) -> np.ndarray:
    share = x.shape[-1] // op.groups
    out = np.empty(x.shape, object)
    for *lead, channel in np.ndindex(x.shape):
        group, within = divmod(channel, share)
        out[(*lead, within * op.groups + group)] = x[(*lead, channel)].item()
    return out


def flatten(op: Any, x: np.ndarray) -> np.ndarray:
    places = list(np.ndindex(x.shape[1:]))
    if op.channels_first:
        places.sort(key=lambda place: (place[-1], place[:-1]))
    rows = [[x[(n, *place)].item() for place in places] for n in range(len(x))]
    return np.array(rows, object).reshape(len(x), len(places))


def reshape(op: Any, x: np.ndarray) -> np.ndarray:
    out = np.empty((len(x), *op.shape), object)
    for n in range(len(x)):
        for source, place in zip(np.ndindex(x.shape[1:]), np.ndindex(op.shape), strict=True):
            out[(n, *place)] = x[(n, *source)].item()
    return out


def along_channels(x: np.ndarray, reduce: Callable[[list[Any]], Any]) -> np.ndarray:
    out = np.empty((*x.shape[:-1], 1), object)
    for index in np.ndindex(x.shape[:-1]):
        out[index] = reduce(x[index].tolist())
    return out


def sliced(op: Any, x: np.ndarray) -> np.ndarray:
    out = np.empty((*x.shape[:-1], op.stop - op.start), object)
    for index in np.ndindex(out.shape):
        out[index] = x[(*index[:-1], index[-1] + op.start)].item()
    return out


def batch_norm(op: Any, x: np.ndarray) -> np.ndarray:
    def rule(value: float, c: int) -> float:
        deviation = math.sqrt(at(op.variance, c) + op.epsilon)
        return at(op.gamma, c) * (value - at(op.mean, c)) / deviation + at(op.beta, c)

    return elementwise(x, rule)


def quantize(op: Any, x: np.ndarray) -> np.ndarray:
    steps = 2**op.bits - 1  # Python's round takes halves to the even neighbour
    return elementwise(x, lambda v, _: round(Fraction(min(max(v, 0.0), 1.0)) * steps))


def sigmoid(_: Any, x: np.ndarray) -> np.ndarray:
    """Both halves of the curve from the one exponential that cannot overflow."""

    def rule(value: float, channel: int) -> float:
        small = math.exp(-abs(value))
        return (1 if value >= 0 else small) / (1 + small)

    return elementwise(x, rule)


def lookup(op: Any, x: np.ndarray) -> np.ndarray:
    rows = op.table.values.tolist()
    return elementwise(x, lambda v, c: rows[c if len(rows) > 1 else 0][v - op.low])


def position_scale(op: Any, x: np.ndarray) -> np.ndarray:
    out = np.empty(x.shape, object)
    for n, h, w, c in np.ndindex(x.shape):
        out[n, h, w, c] = x[n, h, w, c].item() * op.factor.values[h, w].item()
    return out


def logic(op: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """By truth table; a false result is written as the false operand is, 0 or -1."""
    table = {"xnor": lambda p, q: p == q, "or": lambda p, q: p or q, "and": lambda p, q: p and q}[op.kind]
    return pairwise(a, b, lambda m, n: 1 if table(m == 1, n == 1) else min(m, n))


ORACLES: dict[str, Callable[..., np.ndarray]] = {
    "abs": lambda _, x: elementwise(x, lambda v, c: -v if v < 0 else v),
    "add": lambda op, a, b: pairwise(a, b, lambda m, n: clipped(m + n, op.dtype)),
    "affine": lambda op, x: elementwise(x, lambda v, c: v * at(op.scale, c) + at(op.bias, c)),
    "arg_max": lambda _, x: along_channels(x, lambda row: row.index(max(row))),
    "avg_pool2d": lambda op, x: pool(op, x, lambda window: sum(window) / (op.kernel[0] * op.kernel[1])),
    "batch_norm": batch_norm,
    "bit_conv2d": convolution,
    "bit_dense": product,
    "channel_shuffle": channel_shuffle,
    "channel_sum": lambda _, x: along_channels(x, sum),
    "clip": lambda op, x: elementwise(x, lambda v, c: min(max(v, op.low), op.high)),
    "concat": concat,
    "conv2d": convolution,
    "dense": product,
    "flatten": flatten,
    "int_conv2d": convolution,
    "int_dense": product,
    "logic": logic,
    "lookup": lookup,
    "max_pool2d": lambda op, x: pool(op, x, max, op.dilation),
    "multi_threshold": multi_threshold,
    "multiply": multiply,
    "pad": pad,
    "position_scale": position_scale,
    "prelu": prelu,
    "quantize": quantize,
    "relu": lambda _, x: elementwise(x, lambda v, c: max(v, 0)),
    "requantise": requantise,
    "reshape": reshape,
    "sigmoid": sigmoid,
    "sign": lambda op, x: elementwise(x, lambda v, c: 1 if v >= at(op.threshold, c) else -1),
    "slice": sliced,
    "sum_pool2d": lambda op, x: pool(op, x, sum),
}

"""A monotone function of one number with few results, as thresholds: found with the function itself, not derived.

Whatever rounds, clips or compares (sign idioms, QONNX quantizers in every rounding mode, casts) is evaluated in the
arithmetic of the file. Where it is monotone, equal results at two places mean the same result between them; so bisection
from both ends of the range of the file's type finds every step, ties included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import alike, real
from neurobin.frontend.onnx.convert.grid import grid_of
from neurobin.frontend.onnx.convert.values import FLOAT
from neurobin.frontend.onnx.kinds import bounds
from neurobin.ir import BINARY, BIPOLAR, FLOAT64, Constant, DType, Op, int_for
from neurobin.ops.affine import Affine
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.sign import Sign

MAX_LEVELS = 256
HALVINGS = 32  # of all float32 numbers, until two are neighbours
MAX_THRESHOLDS = 2**21  # of all channels together
NEVER = float(np.finfo(np.float64).max)

Function = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (numbers [M], channel of each [M]) -> [M]


@dataclass(frozen=True)
class Staircase:
    """code = low + #{l : x >= thresholds[c, l]} (or high - that number, descending), worth scale[c] code + bias[c]."""

    thresholds: np.ndarray  # float64 [C, L]
    descending: np.ndarray  # bool [C]
    dtype: DType
    scale: np.ndarray  # float64 [C]
    bias: np.ndarray  # float64 [C]

    def ops(self, source: DType) -> list[Op]:
        """On a tensor of type `source`: a sign where there are two values -1 and +1, else thresholds; then the scale."""
        rows, down = self.thresholds, self.descending
        if self.dtype == BIPOLAR and not down.any() and (rows == rows[0]).all() and np.abs(rows[0, 0]) < 1e300:
            quantizer: Op = Sign(real(rows[0])) if rows[0, 0] else Sign()
        else:
            same = len(rows) > 1 and (rows == rows[0]).all() and (down == down[0]).all()
            rows, down = (rows[:1], down[:1]) if same else (rows, down)
            quantizer = MultiThreshold(_levels(rows, source), self.dtype, Constant(BINARY, down.astype(np.int8)))
        if (self.scale == 1).all() and (self.bias == 0).all():
            return [quantizer]
        return [quantizer, Affine(real(alike(self.scale)), real(alike(self.bias)))]


def _levels(rows: np.ndarray, source: DType) -> Constant:
    """Thresholds as the tensor they are compared with has its numbers: whole x >= t where x >= ceil(t)."""
    if source.is_float:
        return Constant(FLOAT64, rows)
    whole = np.ceil(np.clip(rows, source.low, source.high + 1)).astype(np.int64)
    return Constant(int_for(source.low, source.high + 1), whole)


@dataclass(frozen=True)
class _Numbers:
    """The numbers of one type, counted in ascending order by whole keys from `low` to `high`.

    A float's bits, read as a whole number, count its magnitudes; those of negative numbers count the other way. Whole
    numbers are their own keys, as far as sums of two of them stay in the type.
    """

    kind: np.dtype

    @property
    def low(self) -> int:
        if self.kind.kind == "f":
            return -self.high - 1  # of -max, as -0.0 has a key of its own
        return -self.high - 1 if bounds(self.kind)[0] else 0

    @property
    def high(self) -> int:
        if self.kind.kind == "f":
            return int(np.array([np.finfo(self.kind).max], self.kind).view(f"i{self.kind.itemsize}")[0])
        return min(2**53, bounds(self.kind)[1] >> (self.kind.itemsize > 2))

    def at(self, keys: np.ndarray) -> np.ndarray:
        if self.kind.kind != "f":
            return keys.astype(self.kind)
        bits = np.where(keys < 0, np.iinfo(f"i{self.kind.itemsize}").min - (keys + 1), keys)
        return bits.astype(f"i{self.kind.itemsize}").view(self.kind)


def steps_of(function: Function, channels: int, kind: np.dtype) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Per channel (first number of `kind` of each level but the lowest, results of the levels [L + 1]), from the left.

    Raises UnsupportedError for more than `MAX_LEVELS` results, or a result that is NaN.
    """
    _check_room(channels)
    everyone, numbers = np.arange(channels), _Numbers(kind)
    left, right = np.full(channels, numbers.low, np.int64), np.full(channels, numbers.high, np.int64)
    first, last = (_results(function, numbers.at(keys), everyone) for keys in (left, right))
    lowest = first
    found: list[tuple[np.ndarray, ...]] = []  # (channels, keys, results from there on)
    count, channel = 0, everyone
    while True:  # intervals (left, right] of a channel whose ends differ, halved until the ends are neighbours
        differ = first != last
        left, right, first, last, channel = (part[differ] for part in (left, right, first, last, channel))
        done = right - left == 1
        found.append((channel[done], right[done], last[done]))
        left, right, first, last, channel = (part[~done] for part in (left, right, first, last, channel))
        count += int(done.sum())
        if count + len(left) >= MAX_LEVELS * channels:
            raise UnsupportedError(f"more than {MAX_LEVELS} levels")
        _check_room(count + len(left))
        if not len(left):
            break
        middle = (left >> 1) + (right >> 1) + (left & right & 1)  # the sum itself may leave 64 bits
        values = _results(function, numbers.at(middle), channel)
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
        first, last = np.concatenate([first, values]), np.concatenate([values, last])
        channel = np.concatenate([channel, channel])
    channel, key, value = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((key, channel))
    ends = np.searchsorted(channel[order], everyone[1:])
    places = np.split(numbers.at(key[order]).astype(np.float64), ends)
    levels = np.split(value[order], ends)
    return places, [np.concatenate([[low], above]) for low, above in zip(lowest, levels, strict=True)]


def _check_room(thresholds: int) -> None:
    if thresholds > MAX_THRESHOLDS:
        raise UnsupportedError(f"more than {MAX_THRESHOLDS} thresholds of all channels together")


def _results(function: Function, numbers: np.ndarray, channel: np.ndarray) -> np.ndarray:
    values = function(numbers, channel).astype(np.float64)
    if np.isnan(values).any():
        raise UnsupportedError("gives NaN for some inputs")
    return values


def staircase(function: Function, channels: int, kind: np.dtype = FLOAT) -> Staircase:
    """The function of numbers of `kind` as thresholds and codes on a grid of one scale per channel.

    Raises UnsupportedError when it has none.
    """
    firsts, results = steps_of(function, channels, kind)
    if not all(np.isfinite(levels).all() for levels in results):
        raise UnsupportedError("gives infinity for some inputs")
    down = np.array([len(levels) > 1 and levels[0] > levels[-1] for levels in results])
    for levels, falling in zip(results, down, strict=True):
        order = np.diff(levels)
        if not (order < 0).all() if falling else not (order > 0).all():
            raise UnsupportedError("rises and falls, so thresholds cannot stand for it")
    ascending = [levels[::-1] if falling else levels for levels, falling in zip(results, down, strict=True)]
    grid = grid_of(ascending)
    if grid.dtype.count > MAX_LEVELS > grid.high - grid.low:  # a zero point off the middle
        grid = grid.from_zero()
    dtype, step = grid.dtype, grid.step
    count = (dtype.high - dtype.low) // step
    thresholds = np.empty((channels, count))
    for c in range(channels):
        reached = (grid.codes[c] - dtype.low) // step  # levels of the type, ascending; those in between are skipped
        thresholds[c] = _row(firsts[c], reached[::-1] if down[c] else reached, count, bool(down[c]))
    return Staircase(thresholds + 0.0, down, dtype, grid.scale, grid.bias)  # -0.0 is 0.0, in the text form too


def _row(firsts: np.ndarray, reached: np.ndarray, count: int, falling: bool) -> np.ndarray:
    """Thresholds [count] of one channel whose level is reached[i] from firsts[i - 1] on."""
    climbed = count - reached if falling else reached  # how many thresholds are reached
    return np.repeat([-NEVER, *firsts, NEVER], np.diff(climbed, prepend=0, append=count))

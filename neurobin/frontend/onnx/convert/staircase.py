"""A monotone function of one real number with few results, as thresholds: found with the function itself, not derived.

Whatever rounds, clips or compares (sign idioms, QONNX quantizers in every rounding mode, casts) is evaluated in the float32
arithmetic of the file. Where it is monotone, equal results at two places mean the same result between them; so bisection
from both ends of the float32 range finds every step, ties included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.ir import BIPOLAR, TERNARY, DType, int_for
from neurobin.ir.dtype import u

MAX_LEVELS = 256
NEVER = float(np.finfo(np.float64).max)
_TOP = int(np.float32(np.finfo(np.float32).max).view(np.int32))
_ON_GRID = (
    1e-4  # how far, in steps, a result may lie from a whole multiple of the scale: float32 rounding, not another level
)

Function = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (float32 [M], channel of each [M]) -> [M]


@dataclass(frozen=True)
class Staircase:
    """code = low + #{l : x >= thresholds[c, l]} (or high - that number, descending), worth scale[c] code + bias[c]."""

    thresholds: np.ndarray  # float64 [C, L]
    descending: np.ndarray  # bool [C]
    dtype: DType
    scale: np.ndarray  # float64 [C]
    bias: np.ndarray  # float64 [C]


def _key(x: np.ndarray) -> np.ndarray:
    """float32 -> int64 in the order of the numbers."""
    bits = x.view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(2**31) - 1 - bits, bits)


def _number(key: np.ndarray) -> np.ndarray:
    bits = np.where(key < 0, -(2**31) - 1 - key, key)
    return bits.astype(np.int32).view(np.float32)


def steps_of(function: Function, channels: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Per channel (first float32 of each level but the lowest, results of the levels [L + 1]), both from the left.

    Raises UnsupportedError for more than `MAX_LEVELS` results, or a result that is NaN.
    """
    everyone = np.arange(channels)
    left, right = np.full(channels, -_TOP - 1, np.int64), np.full(channels, _TOP, np.int64)
    first, last = _results(function, left, everyone), _results(function, right, everyone)
    lowest = first
    steps: list[tuple[int, int, float]] = []  # (channel, key, result from there on)
    channel = everyone
    while True:  # intervals (left, right] of a channel whose ends differ, halved until the ends are neighbours
        differ = first != last
        left, right, first, last, channel = (part[differ] for part in (left, right, first, last, channel))
        done = right - left == 1
        steps += zip(channel[done].tolist(), right[done].tolist(), last[done].tolist(), strict=True)
        left, right, first, last, channel = (part[~done] for part in (left, right, first, last, channel))
        if len(steps) + len(left) >= MAX_LEVELS * channels:
            raise UnsupportedError(f"more than {MAX_LEVELS} levels")
        if not len(left):
            break
        middle = (left + right) >> 1
        values = _results(function, middle, channel)
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
        first, last = np.concatenate([first, values]), np.concatenate([values, last])
        channel = np.concatenate([channel, channel])
    steps.sort()
    firsts: list[list[int]] = [[] for _ in everyone]
    results = [[float(value)] for value in lowest]
    for c, key, value in steps:
        firsts[c].append(key)
        results[c].append(value)
    places = [_number(np.array(keys, np.int64)).astype(np.float64) for keys in firsts]
    return places, [np.array(values) for values in results]


def _results(function: Function, keys: np.ndarray, channel: np.ndarray) -> np.ndarray:
    values = function(_number(keys), channel).astype(np.float64)
    if np.isnan(values).any():
        raise UnsupportedError("gives NaN for some inputs")
    return values


def staircase(function: Function, channels: int) -> Staircase:
    """The function as thresholds and codes on a grid of one scale per channel. Raises UnsupportedError when it has none."""
    firsts, results = steps_of(function, channels)
    down = np.array([len(levels) > 1 and levels[0] > levels[-1] for levels in results])
    for levels, falling in zip(results, down, strict=True):
        order = np.diff(levels)
        if not (order < 0).all() if falling else not (order > 0).all():
            raise UnsupportedError("rises and falls, so thresholds cannot stand for it")
    ascending = [levels[::-1] if falling else levels for levels, falling in zip(results, down, strict=True)]
    scale, bias = _grid(ascending)
    codes = [np.rint((levels - b) / s).astype(np.int64) for levels, s, b in zip(ascending, scale, bias, strict=True)]
    for levels, code, s, b in zip(ascending, codes, scale, bias, strict=True):
        if np.abs((levels - b) / s - code).max() > _ON_GRID or np.abs(code).max() > 2**15:
            raise UnsupportedError(f"levels {levels[:6].tolist()} ... are not multiples of one scale")
    dtype, step = _dtype(min(int(code[0]) for code in codes), max(int(code[-1]) for code in codes), codes)
    count = (dtype.high - dtype.low) // step
    thresholds = np.empty((channels, count))
    for c in range(channels):
        reached = (codes[c] - dtype.low) // step  # levels of the type, ascending; those in between are skipped
        thresholds[c] = _row(firsts[c], reached[::-1] if down[c] else reached, count, bool(down[c]))
    return Staircase(thresholds + 0.0, down, dtype, scale, bias)  # -0.0 is 0.0, in the text form too


def _row(firsts: np.ndarray, reached: np.ndarray, count: int, falling: bool) -> np.ndarray:
    """Thresholds [count] of one channel whose level is reached[i] from firsts[i - 1] on."""
    climbed = count - reached if falling else reached  # how many thresholds are reached
    return np.concatenate(
        [
            np.full(climbed[0], -NEVER),
            *(
                np.full(after - before, first)
                for first, before, after in zip(firsts, climbed[:-1], climbed[1:], strict=True)
            ),
            np.full(count - climbed[-1], NEVER),
        ]
    )


def _grid(levels: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(scale, bias) per channel: no bias where 0, or the middle of two levels, is on the grid; else the lowest level."""
    pairs = [_scale_and_bias(values) for values in levels]
    return np.array([scale for scale, _ in pairs]), np.array([bias for _, bias in pairs])


def _scale_and_bias(values: np.ndarray) -> tuple[float, float]:
    if len(values) == 1:
        return float(abs(values[0])) or 1.0, 0.0
    if len(values) == 2 and values[0] == -values[1]:
        return float(values[1]), 0.0
    span = values[-1] - values[0]
    step = span / np.rint(span / np.diff(values).min())
    nearest = values[np.abs(values).argmin()] / step
    if abs(nearest - np.rint(nearest)) > _ON_GRID:
        return float(step), float(values[0])
    unit = np.abs(values[values != 0]).min()  # the float32 scale itself, where code 1 or -1 is among the levels
    return float(unit / max(1.0, np.rint(unit / step))), 0.0


def _dtype(low: int, high: int, codes: list[np.ndarray]) -> tuple[DType, int]:
    """The type of codes from low to high, and the step between its values."""
    if all(set(code.tolist()) <= {-1, 1} for code in codes):
        return BIPOLAR, 2
    if low >= 0:
        return u(max(1, high.bit_length())), 1
    if low >= -1 and high <= 1:
        return TERNARY, 1
    return int_for(low, high), 1

"""The levels of a staircase as codes: whole multiples of a scale, the same for all channels where that costs no bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.ir import BIPOLAR, TERNARY, DType, int_for
from neurobin.ir.dtype import u

MAX_CODE = 2**15
_ON_GRID = 1e-4  # how far, in steps, a level may lie from a multiple of the scale: float32 rounding, not another level
_SAME = 1e-6  # how far as a share of the level, where the scale itself was guessed
_SKIPPED = 64  # levels that may be missing between two neighbours


@dataclass(frozen=True)
class Grid:
    """level = scale[c] code + bias[c], per channel; `step` lies between neighbouring codes of `dtype`."""

    codes: tuple[np.ndarray, ...]  # int64, ascending
    scale: np.ndarray  # float64 [C]
    bias: np.ndarray  # float64 [C]

    @property
    def low(self) -> int:
        return min(int(code[0]) for code in self.codes)

    @property
    def high(self) -> int:
        return max(int(code[-1]) for code in self.codes)

    @property
    def dtype(self) -> DType:
        """The narrowest type of the codes."""
        if all(set(code.tolist()) <= {-1, 1} for code in self.codes):
            return BIPOLAR
        if self.low >= 0:
            return u(max(1, self.high.bit_length()))
        return TERNARY if self.low >= -1 and self.high <= 1 else int_for(self.low, self.high)

    @property
    def step(self) -> int:
        return 2 if self.dtype == BIPOLAR else 1

    def from_zero(self) -> Grid:
        """The same levels, counted from the lowest."""
        codes = tuple(code - self.low for code in self.codes)
        return Grid(codes, self.scale, self.bias + self.scale * self.low)


def grid_of(levels: Sequence[np.ndarray]) -> Grid:
    """Ascending levels per channel on the grid of the narrowest type. Raises UnsupportedError where they are on none."""
    pooled = np.unique(np.abs(np.concatenate(levels)))
    found = [_common(levels, 1.0), _common(levels, _divisor(pooled[pooled > 0])), _own(levels)]
    grids = [grid for grid in found if grid is not None]
    if not grids:
        shown = max(levels, key=len)[:6].tolist()
        raise UnsupportedError(f"levels {shown} ... are not multiples of one scale")
    return min(grids, key=lambda grid: grid.dtype.count)


def _common(levels: Sequence[np.ndarray], scale: float | None) -> Grid | None:
    """One scale for all channels and no bias, if every level is a multiple of it."""
    if scale is None:
        return None
    codes = tuple(np.rint(values / scale) for values in levels)
    if not all((np.abs(v - c * scale) <= _SAME * np.abs(v)).all() for v, c in zip(levels, codes, strict=True)):
        return None
    return _checked(codes, np.full(len(levels), scale), np.zeros(len(levels)))


def _own(levels: Sequence[np.ndarray]) -> Grid | None:
    """A scale for each channel; a bias only where 0, or the middle of two levels, is not on its grid."""
    pairs = [_scale_and_bias(values) for values in levels]
    codes = []
    for values, (scale, bias) in zip(levels, pairs, strict=True):
        ratios = (values - bias) / scale
        codes.append(np.rint(ratios))
        if np.abs(ratios - codes[-1]).max() > _ON_GRID:
            return None
    return _checked(tuple(codes), np.array([scale for scale, _ in pairs]), np.array([bias for _, bias in pairs]))


def _checked(codes: tuple[np.ndarray, ...], scale: np.ndarray, bias: np.ndarray) -> Grid | None:
    if any(np.abs(code).max() > MAX_CODE for code in codes):
        return None
    return Grid(tuple(code.astype(np.int64) for code in codes), scale, bias)


def _divisor(values: np.ndarray) -> float | None:
    """The largest scale of which all positive ascending values are multiples, None where there is none worth the name."""
    for parts in range(1, _SKIPPED + 1):
        scale = float(values[0]) / parts if len(values) else 1.0
        if (np.abs(values - np.rint(values / scale) * scale) <= _SAME * values).all():
            return scale
    return None


def _scale_and_bias(values: np.ndarray) -> tuple[float, float]:
    if len(values) == 1:
        return float(abs(values[0])) or 1.0, 0.0
    if len(values) == 2 and values[0] == -values[1]:
        return float(values[1]), 0.0
    above = values[1:] - values[0]
    smallest = _divisor(np.unique(np.concatenate([above, np.diff(values)]))) or np.diff(values).min()
    step = above[-1] / np.rint(above[-1] / smallest)
    nearest = values[np.abs(values).argmin()] / step
    if abs(nearest - np.rint(nearest)) > _ON_GRID:
        return float(step), float(values[0])
    unit = np.abs(values[values != 0]).min()  # the float32 scale itself, where code 1 or -1 is among the levels
    return float(unit / max(1.0, np.rint(unit / step))), 0.0

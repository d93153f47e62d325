"""Where the taps of a window fall in a prepared map, and how few steps cover them.

A prepared map has stride 1: tap (ky, kx) of output (y, x) is read `offset` bytes after pixel y * row + x * pixel. A step
reads up to 64 bytes (or one 64-bit word), so the offsets of all (tap, channel) pairs of a filter are covered greedily from
below: a tap of 256 channels takes four steps, and a row of three taps of 12 channels takes one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cover:
    """Steps that cover a set of offsets: `starts` int64 [S]; entry k of the set is unit `unit[k]` of step `step[k]`."""

    starts: np.ndarray
    step: np.ndarray
    unit: np.ndarray


def cover(offsets: np.ndarray, span: int) -> Cover:
    """Windows of `span` consecutive offsets over a set (int64 [K], any order): greedy from below, which is optimal."""
    wanted = np.unique(offsets)
    starts = []
    position = 0
    while position < len(wanted):
        starts.append(int(wanted[position]))
        position = int(np.searchsorted(wanted, starts[-1] + span))
    found = np.array(starts, np.int64)
    step = np.searchsorted(found, offsets, side="right") - 1
    return Cover(found, step, offsets - found[step])


@dataclass(frozen=True)
class Frame:
    """A window and the padded map that it slides over, its strides undone."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    size: tuple[int, int]
    output: tuple[int, int]
    border: tuple[int, int] | None = None  # rows and columns the map already has around it (stride 1 only)

    @property
    def is_unit(self) -> bool:
        return self.stride == (1, 1)

    @property
    def is_matrix(self) -> bool:
        """A map of one pixel: a matrix product whose rows are images."""
        return self.size == (1, 1) and self.kernel == (1, 1) and not any(self.padding)

    @property
    def width(self) -> int:
        """Pixels from a row to the next."""
        if self.is_unit:
            return self.size[1] + self.before[1]
        reach = (self.output[1] - 1) * self.stride[1] + self.dilation[1] * (self.kernel[1] - 1) + 1
        return -(-max(reach, self.padding[1] + self.size[1]) // self.stride[1])

    @property
    def height(self) -> int:
        """Rows from an image to the next."""
        if self.is_unit:
            return self.size[0] + self.before[0]
        reach = (self.output[0] - 1) * self.stride[0] + self.dilation[0] * (self.kernel[0] - 1) + 1
        return -(-max(reach, self.padding[0] + self.size[0]) // self.stride[0])

    @property
    def before(self) -> tuple[int, int]:
        """Padding rows and columns before pixel (0, 0)."""
        if self.border is not None:
            return self.border
        top, left, bottom, right = self.padding
        if not self.is_unit:
            return top, left
        reach = self.dilation[1] * (self.kernel[1] - 1) + 1  # no two taps may share a place
        rows = max(top, bottom, self.output[0] - self.size[0])
        return rows, max(left, right, self.output[1] - self.size[1], reach - self.size[1])

    @property
    def first(self) -> tuple[int, int]:
        """The padded place that tap (0, 0) of output (0, 0) reads."""
        return (self.before[0] - self.padding[0], self.before[1] - self.padding[1])

    def taps(self) -> np.ndarray:
        """int64 [KH, KW, 2]: padded row and column of each tap of output (0, 0)."""
        rows = self.first[0] + np.arange(self.kernel[0]) * self.dilation[0]
        columns = self.first[1] + np.arange(self.kernel[1]) * self.dilation[1]
        return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)

    def phases(self) -> np.ndarray:
        """int64 [s, s]: the index of each phase among those that some tap reads, or -1."""
        used = np.zeros(self.stride, bool)
        taps = self.taps().reshape(-1, 2)
        used[taps[:, 0] % self.stride[0], taps[:, 1] % self.stride[1]] = True
        return np.where(used, np.cumsum(used).reshape(used.shape) - 1, -1)

    def overhangs(self) -> tuple[np.ndarray, np.ndarray]:
        """Classes of output positions by the taps that fall outside of the map.

        (int64 [OH, OW]: the class of each position, bool [classes, KH, KW]: the taps outside).
        """
        masks = []
        for axis in (0, 1):
            at = np.arange(self.output[axis])[:, None] * self.stride[axis] - self.padding[axis]
            at = at + np.arange(self.kernel[axis]) * self.dilation[axis]
            masks.append((at < 0) | (at >= self.size[axis]))
        rows, row_class = np.unique(masks[0], axis=0, return_inverse=True)
        columns, column_class = np.unique(masks[1], axis=0, return_inverse=True)
        classes = row_class[:, None] * len(columns) + column_class[None, :]
        outside = [row[:, None] | column[None, :] for row in rows for column in columns]
        return classes, np.array(outside)

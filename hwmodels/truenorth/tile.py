"""Tiling: which outputs of a layer share a core, so that the cores are few and their axons are shared.

A tile is a block of output positions times a run of groups. Its axons are the distinct inputs of the block (rows x columns
x depth, as windows are products of rows and columns); its neurons are its outputs, copies included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.ops._window import Window


@dataclass(frozen=True)
class Reach:
    """The input rows and columns that each output row and column reads, and the inputs per pixel of one group.

    Rows and columns outside the map of `size` (H, W) are padding.
    """

    rows: tuple[frozenset[int], ...]
    columns: tuple[frozenset[int], ...]
    depth: int
    size: tuple[int, int]

    def tight(self) -> Reach:
        """Without the padding, which takes no axons."""
        inside = [frozenset(range(size)) for size in self.size]
        rows, columns = (tuple(s & i for s in side) for side, i in zip((self.rows, self.columns), inside, strict=True))
        return Reach(rows, columns, self.depth, self.size)

    @property
    def support(self) -> int:
        """The most distinct inputs that one output reads."""
        return max(map(len, self.rows)) * max(map(len, self.columns)) * self.depth


def reach_of(window: Window, shape: tuple[int, ...], depth: int) -> Reach:
    """The reach of a window over a map of `shape` (H, W, C) whose groups are `depth` channels deep."""
    sides = []
    for axis, count in enumerate(window.output(shape)):
        step, spread, before = window.stride[axis], window.dilation[axis], window.padding[axis]
        taps = range(window.kernel[axis])
        starts = (k * step - before for k in range(count))
        sides.append(tuple(frozenset(start + t * spread for t in taps) for start in starts))
    return Reach(sides[0], sides[1], depth, (shape[0], shape[1]))


@dataclass(frozen=True)
class Tile:
    """Output rows x columns x groups per core."""

    height: int
    width: int
    groups: int


def choose(reach: Reach, copies: np.ndarray, axons_per_input: int, axons: int, neurons: int) -> Tile:
    """The tile with the fewest cores, then the fewest axons, for `copies` [OH, OW, G] neurons per position and group.

    Assumes that a single output fits (support * axons_per_input <= axons).
    """
    best: tuple[tuple[int, int, int, int], Tile] | None = None
    per_pixel = axons_per_input * reach.depth
    for height in range(1, len(reach.rows) + 1):
        rows = _blocks(reach.rows, height)
        if rows.max() * per_pixel > axons:
            break
        tall = np.add.reduceat(copies, np.arange(0, copies.shape[0], height), axis=0)
        for width in range(1, len(reach.columns) + 1):
            pixels = rows[:, None] * _blocks(reach.columns, width)
            if pixels.max() * per_pixel > axons:
                break
            wide = np.add.reduceat(tall, np.arange(0, copies.shape[1], width), axis=1)
            for groups in _shares(copies.shape[2], axons // max(1, int(pixels.max()) * per_pixel)):
                starts = np.arange(0, copies.shape[2], groups)
                cores = -(-np.add.reduceat(wide, starts, axis=2) // neurons)
                depths = np.diff(np.append(starts, copies.shape[2]))
                used = int((cores * pixels[:, :, None] * depths).sum()) * per_pixel
                score = (int(cores.sum()), used, height, width)
                if best is None or score < best[0]:
                    best = (score, Tile(height, width, groups))
    if best is None:
        raise ValueError(f"one output reads {reach.support} inputs, {axons} axons are too few")
    return best[1]


def _blocks(sides: Sequence[frozenset[int]], size: int) -> np.ndarray:
    """Distinct input rows (or columns) of each block of `size` output rows."""
    return np.array([len(frozenset().union(*sides[k : k + size])) for k in range(0, len(sides), size)])


def _shares(groups: int, most: int) -> list[int]:
    """Groups per core, up to `most`, that give different numbers of runs: the smallest of each."""
    return sorted({-(-groups // runs) for runs in range(1, groups + 1) if -(-groups // runs) <= most})

"""Where a tile micro-kernel finds the weights of its next step: as bytes in memory, or spread from bits on the way.

Weights of -1 and +1 may lie as bits, an eighth of their memory. They pass through a ring of tiles in the first-level cache,
four steps ahead of their use, since a tile cannot be loaded from stores that are still on their way; measured, spreading
them costs nothing beside four products. Half a tile is 64 bytes of bits: bit r of byte k is 1 where byte k of the half's row
r is +1.
"""

from __future__ import annotations

import numpy as np

from neurobin.exec.kernels.emit import Value
from neurobin.exec.kernels.micro import STEP, Micro

TILE_BYTES = 1024
_BITS_BYTES = TILE_BYTES // 8
_HALF = 8  # rows
_AHEAD = 4  # steps between spreading a tile and using it
_RING = 2 * _AHEAD  # tiles


def as_bits(tiles: np.ndarray) -> np.ndarray:
    """uint8 [panels, bytes / 8] of tiles of bytes, uint8 [panels, ...]."""
    halves = (tiles == 1).reshape(len(tiles), -1, _HALF, STEP)
    return np.packbits(halves, axis=2, bitorder="little").reshape(len(tiles), -1)


class Bytes:
    """Tiles as they lie in B, for steps that take `count` panels at a time."""

    def __init__(self, m: Micro, count: int) -> None:
        self._m, self._count = m, count

    def begin(self, first: Value, last: Value) -> None:
        """Panels from `first` to `last` follow each other, all their steps, again and again."""

    def tiles(self, panel: Value, step: Value) -> list[Value]:
        """The tiles of a step, of `count` panels from `panel` on."""
        made = [self._m.b.at(panel * self._m.b_stride).at(step * TILE_BYTES)]
        for _ in range(self._count - 1):
            made.append(made[-1].at(self._m.b_stride))
        return made

    def advance(self) -> None:
        """The step is done."""


class Bits(Bytes):
    """Tiles spread from bits in the order of their use."""

    def __init__(self, m: Micro, count: int) -> None:
        super().__init__(m, count)
        f = m.f
        self._rings = [f.memory(f.constant(_RING * TILE_BYTES)) for _ in range(count)]
        self._used, self._panel, self._step = (f.variable(f.constant(0)) for _ in range(3))
        self._first = self._last = f.constant(0)

    def begin(self, first: Value, last: Value) -> None:
        f = self._m.f
        self._first, self._last = first, last
        self._panel.set(first)
        self._step.set(f.constant(0))
        self._used.set(f.constant(-_AHEAD))
        with f.loop(0, _AHEAD):
            self.advance()

    def tiles(self, panel: Value, step: Value) -> list[Value]:
        return [ring.at(self._place(self._used.get())) for ring in self._rings]

    def advance(self) -> None:
        m, panel, step, used = self._m, self._panel.get(), self._step.get(), self._used.get()
        bits, place = m.b.at(panel * m.b_stride).at(step * _BITS_BYTES), self._place(used + _AHEAD)
        for ring in self._rings:
            self._spread(bits, ring.at(place))
            bits = bits.at(m.b_stride)
        self._used.set(used + 1)
        ends = (step + 1).compare("eq", m.steps)
        following = panel + self._count
        wraps = following.compare("sge", self._last)
        self._step.set(ends.choose(m.f.constant(0), step + 1))
        self._panel.set(ends.choose(wraps.choose(self._first, following), panel))

    def _place(self, number: Value) -> Value:
        return (number & (_RING - 1)) * TILE_BYTES

    def _spread(self, bits: Value, tile: Value) -> None:
        f, kind = self._m.f, f"<{STEP} x i8>"
        for half in range(TILE_BYTES // (_HALF * STEP)):
            signs = bits.at(half * STEP).load(kind, STEP)
            for row in range(_HALF):
                mark = f.constant((1 << row) - (256 if row == _HALF - 1 else 0), kind)
                positive = (signs & mark).compare("ne", 0)
                place = tile.at(half * (_HALF * STEP) + row * STEP)
                place.store(positive.choose(f.constant(1, kind), f.constant(-1, kind)), STEP)

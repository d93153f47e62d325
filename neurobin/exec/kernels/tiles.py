"""Byte products on AMX tiles: 16 rows x 64 bytes times 64 bytes x 16 channels in 16 cycles.

Weights of a step are one tile [64 / 4, 16 channels, 4 bytes], or its signs as bits, an eighth of the memory. Measured: four
row tiles against one weight tile keep the unit busy from the second-level cache on, as long as one register each is kept
for A and for B; for few rows one row tile meets up to four weight tiles. Bits are spread to bytes four steps before their
use, since a tile cannot be loaded from stores that are still on their way.
"""

from __future__ import annotations

import numpy as np

from neurobin.exec.kernels.emit import I64, Module, Value
from neurobin.exec.kernels.micro import Micro

TILE_ROWS = 16
TILE_BYTES = 1024
_A, _LAST = 4, 7  # tile registers: sums from 0 on, operands behind them
_AHEAD = 4  # steps between spreading bits and using them
_RING = 2 * _AHEAD  # tiles of spread bits
READ_AHEAD = _AHEAD * TILE_BYTES // 8  # bytes of bits read behind the last step
_PRODUCT = {(True, True): "ss", (True, False): "su", (False, True): "us", (False, False): "uu"}


def configuration() -> np.ndarray:
    """uint8 [64]: palette 1, eight tiles of 16 rows of 64 bytes."""
    made = np.zeros(64, np.uint8)
    made[0] = 1
    made[16:32] = np.array([64] * 8, "<u2").view(np.uint8)
    made[48:56] = TILE_ROWS
    return made


def tile_kernel(a_signed: bool, b_signed: bool, b_bits: bool = False) -> str:
    """The module of the micro-kernel for signed or unsigned bytes; `b_bits` for weights kept as signs."""
    return _Tiles(_PRODUCT[a_signed, b_signed], b_bits).text()


class _Tiles:
    def __init__(self, product: str, b_bits: bool) -> None:
        self.module, self.b_bits = Module(), b_bits
        self.m = Micro(self.module)
        self.f = self.m.f
        self.product = f"llvm.x86.tdpb{product}d"

    def text(self) -> str:
        """Many rows: four row tiles at a time; few: one row tile and four panels; else two and two."""
        f, m, zero = self.f, self.m, self.f.constant(0)
        many, few = m.rows.compare("sgt", 3 * TILE_ROWS), m.rows.compare("sle", TILE_ROWS)
        with f.when(many):
            self._panels(zero, 4, 1)
        with f.when((many | few) ^ 1), f.loop(0, m.rows, 2 * TILE_ROWS) as row:
            self._panels(row, 2, 2)
        with f.when(few):
            self._panels(zero, 1, 4)
        return str(self.module)

    def _panels(self, row: Value, row_tiles: int, panel_tiles: int) -> None:
        """All panels of some rows, so many at a time, then the rest one by one."""
        if self.b_bits:
            panel_tiles = 1
        whole = self.m.panels & -panel_tiles
        with self.f.loop(0, whole, panel_tiles) as panel:
            self._block(row, panel, row_tiles, panel_tiles)
        if panel_tiles > 1:
            with self.f.loop(whole, self.m.panels) as panel:
                self._block(row, panel, row_tiles, 1)

    def _block(self, row: Value, panel: Value, row_tiles: int, panel_tiles: int) -> None:
        """Sums of `row_tiles` x `panel_tiles` tiles from (row, panel) on, over all steps."""
        f, m = self.f, self.m
        c = m.place(row, panel)
        places = [c.at(m.c_stride * (TILE_ROWS * i)).at(64 * j) for i in range(row_tiles) for j in range(panel_tiles)]
        fresh = m.accumulate.compare("eq", 0)
        with f.when(fresh):
            for tile in range(len(places)):
                f.intrinsic("llvm.x86.tilezero", "void", f"i8 {tile}")
        with f.when(fresh ^ 1):
            for tile, place in enumerate(places):
                self._load(tile, place, m.c_stride)
        a, b = m.a.at(row * m.a_stride), m.b.at(panel * m.b_stride)
        if self.b_bits:
            self._spread_and_multiply(a, b, row_tiles)
        else:
            with f.loop(0, m.steps) as step:
                weights = [b.at(step * TILE_BYTES)]
                for _ in range(panel_tiles - 1):
                    weights.append(weights[-1].at(m.b_stride))
                self._multiply(a.at(m.offset(step)), weights, row_tiles)
        for tile, place in enumerate(places):
            f.intrinsic("llvm.x86.tilestored64", "void", f"i8 {tile}", place, m.c_stride)

    def _spread_and_multiply(self, a: Value, b: Value, row_tiles: int) -> None:
        """Weights from bits, through a ring of tiles."""
        f, m = self.f, self.m
        ring = f.memory(_RING * TILE_BYTES)
        for first in range(_AHEAD):
            self._spread(b.at(first * TILE_BYTES // 8), ring.at(first * TILE_BYTES))
        with f.loop(0, m.steps) as step:
            self._multiply(a.at(m.offset(step)), [ring.at((step & (_RING - 1)) * TILE_BYTES)], row_tiles)
            later = step + _AHEAD
            self._spread(b.at(later * (TILE_BYTES // 8)), ring.at((later & (_RING - 1)) * TILE_BYTES))

    def _spread(self, bits: Value, tile: Value) -> None:
        """A tile of -1 (bit 0) and +1 (bit 1) from its 1024 bits."""
        f, kind = self.f, "<64 x i8>"
        for row in range(TILE_ROWS):
            signs = bits.at(8 * row).load(I64, 8).cast("<64 x i1>")
            tile.at(64 * row).store(signs.choose(f.constant(1, kind), f.constant(-1, kind)), 64)

    def _multiply(self, a: Value, weights: list[Value], row_tiles: int) -> None:
        """One step: every row tile times every weight tile."""
        f, below = self.f, self.m.a_stride * TILE_ROWS
        rows = [a]
        for _ in range(row_tiles - 1):
            rows.append(rows[-1].at(below))
        if len(weights) == 1:
            self._load(_LAST, weights[0], 64)
            for i, place in enumerate(rows):
                self._load(_A, place, self.m.a_stride)
                f.intrinsic(self.product, "void", f"i8 {i}", f"i8 {_A}", f"i8 {_LAST}")
            return
        for i, place in enumerate(rows):
            self._load(_A + i, place, self.m.a_stride)
        for j, place in enumerate(weights):
            self._load(_A + row_tiles, place, 64)
            for i in range(row_tiles):
                tile = i * len(weights) + j
                f.intrinsic(self.product, "void", f"i8 {tile}", f"i8 {_A + i}", f"i8 {_A + row_tiles}")

    def _load(self, tile: int, place: Value, stride: Value | int) -> None:
        shown = stride if isinstance(stride, Value) else f"i64 {stride}"
        self.f.intrinsic("llvm.x86.tileloadd64", "void", f"i8 {tile}", place, shown)

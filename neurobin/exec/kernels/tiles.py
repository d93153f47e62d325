"""Byte products on AMX tiles: 16 rows x 64 bytes times 64 bytes x 16 channels in 16 cycles.

Weights of a step are one tile [64 / 4, 16 channels, 4 bytes], or its signs as bits, an eighth of the memory. Measured: four
row tiles against one weight tile keep the unit busy from the second-level cache on, as long as one register each is kept
for A and for B; for few rows one row tile meets up to four weight tiles. Bits are spread to bytes four steps before their
use, since a tile cannot be loaded from stores that are still on their way, two panels at a time for two row tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from neurobin.exec.kernels.emit import I64, Module, Value
from neurobin.exec.kernels.micro import BLOCK_ROWS, Micro

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


def tile_kernel(a_signed: bool, b_signed: bool, b_bits: bool = False, tall: bool = True) -> str:
    """The module of the micro-kernel for signed or unsigned bytes; `b_bits` for weights kept as signs.

    `tall` blocks, four row tiles against one weight tile, suit windows, whose rows come from the first-level cache again and
    again; two and two read less where every step's rows come from the second.
    """
    return _Tiles(_PRODUCT[a_signed, b_signed], b_bits, tall).text()


class _Tiles:
    def __init__(self, product: str, b_bits: bool, tall: bool) -> None:
        self.module, self.b_bits, self.tall = Module(), b_bits, tall
        self.m = Micro(self.module)
        self.f = self.m.f
        self.product = f"llvm.x86.tdpb{product}d"

    def text(self) -> str:
        if self.b_bits:
            self._spread_panels()
        else:
            self._all_panels_of_few_rows()
        return str(self.module)

    def _all_panels_of_few_rows(self) -> None:
        """Up to 64 rows. Many: four row tiles at a time; few: one row tile and four panels; else two and two."""
        f, m = self.f, self.m
        few = m.rows.compare("sle", TILE_ROWS)
        many = m.rows.compare("sgt", 3 * TILE_ROWS if self.tall else BLOCK_ROWS)
        with f.when(many):
            self._panels(f.constant(0), 4, 1)
        with f.when((many | few) ^ 1), f.loop(0, m.rows, 2 * TILE_ROWS) as row:
            self._panels(row, 2, 2)
        with f.when(few):
            self._panels(f.constant(0), 1, 4)

    def _panels(self, row: Value, row_tiles: int, panel_tiles: int) -> None:
        """All panels of some rows, so many at a time, then the rest one by one."""
        whole = self.m.panels & -panel_tiles
        with self.f.loop(0, whole, panel_tiles) as panel:
            self._plain_block(row, panel, row_tiles, panel_tiles)
        if panel_tiles > 1:
            with self.f.loop(whole, self.m.panels) as panel:
                self._plain_block(row, panel, row_tiles, 1)

    def _plain_block(self, row: Value, panel: Value, row_tiles: int, panel_tiles: int) -> None:
        """Sums of `row_tiles` x `panel_tiles` tiles from (row, panel) on, with weights as they lie."""
        m = self.m
        a, b = m.a.at(row * m.a_stride), m.b.at(panel * m.b_stride)

        def step(number: Value) -> None:
            weights = [b.at(number * TILE_BYTES)]
            for _ in range(panel_tiles - 1):
                weights.append(weights[-1].at(m.b_stride))
            self._multiply(a.at(m.offset(number)), weights, row_tiles)

        self._block(m.place(row, panel), row_tiles, panel_tiles, step)

    def _spread_panels(self) -> None:
        """Two row tiles and two panels at a time, whose weights pass as bytes through a ring each."""
        f, m = self.f, self.m
        self.rings = [f.memory(f.constant(_RING * TILE_BYTES)) for _ in range(2)]
        pairs = m.panels & -2
        with f.loop(0, pairs, 2) as panel:
            self._spread_rows(panel, 2)
        with f.loop(pairs, m.panels) as panel:
            self._spread_rows(panel, 1)

    def _spread_rows(self, panel: Value, panels: int) -> None:
        f, m = self.f, self.m
        bits = [m.b.at((panel + j) * m.b_stride) for j in range(panels)]
        with f.loop(0, m.rows, 2 * TILE_ROWS) as row:
            for step in range(_AHEAD):
                self._spread_all(bits, f.constant(step))
            a = m.a.at(row * m.a_stride)
            self._block(m.place(row, panel), 2, panels, partial(self._spread_step, a, bits))

    def _spread_step(self, a: Value, bits: list[Value], number: Value) -> None:
        weights = [ring.at((number & (_RING - 1)) * TILE_BYTES) for ring in self.rings[: len(bits)]]
        self._multiply(a.at(self.m.offset(number)), weights, 2)
        self._spread_all(bits, number + _AHEAD)

    def _spread_all(self, bits: list[Value], number: Value) -> None:
        for ring, panel in zip(self.rings, bits, strict=False):
            self._spread(panel.at(number * (TILE_BYTES // 8)), ring.at((number & (_RING - 1)) * TILE_BYTES))

    def _block(self, c: Value, row_tiles: int, panel_tiles: int, step: Callable[[Value], None]) -> None:
        """Sums of some tiles over all steps, from 0 or from what C holds."""
        f, m = self.f, self.m
        places = [c.at(m.c_stride * (TILE_ROWS * i)).at(64 * j) for i in range(row_tiles) for j in range(panel_tiles)]
        fresh = m.accumulate.compare("eq", 0)
        with f.when(fresh):
            for tile in range(len(places)):
                f.intrinsic("llvm.x86.tilezero", "void", f"i8 {tile}")
        with f.when(fresh ^ 1):
            for tile, place in enumerate(places):
                self._load(tile, place, m.c_stride)
        with f.loop(0, m.steps) as number:
            step(number)
        for tile, place in enumerate(places):
            f.intrinsic("llvm.x86.tilestored64", "void", f"i8 {tile}", place, m.c_stride)

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

"""Byte products on AMX tiles: 16 rows x 64 bytes times 64 bytes x 16 channels in 16 cycles.

Weights of a step are one tile [64 / 4, 16 channels, 4 bytes]. Measured: four row tiles against one weight tile keep the unit
busy where a map's rows and one panel of weights stay in the first-level cache; two against two load fewer tiles where both
come from the second. For few rows one row tile meets up to four weight tiles, since a product takes 52 cycles until its
sums can be added to, so that fewer than four sums in turn would wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurobin.exec.kernels.emit import Module, Value
from neurobin.exec.kernels.micro import PANEL, Micro
from neurobin.exec.kernels.tile_weights import Bytes

TILE_ROWS = 16
_A, _LAST = 4, 7  # tile registers: sums from 0 on, operands behind them, weights in the last
_HEIGHTS = 48  # byte of the configuration where the heights of the tiles begin
_PRODUCT = {(True, True): "ss", (True, False): "su", (False, True): "us", (False, False): "uu"}


def configuration(height: int = TILE_ROWS) -> np.ndarray:
    """uint8 [64]: palette 1, eight tiles of 64 bytes by 16 rows, or by `height` rows, up to 16, but for the weights'.

    A product takes as many cycles as its tile of sums has rows.
    """
    made = np.zeros(64, np.uint8)
    made[0] = 1
    made[16:32] = np.array([64] * 8, "<u2").view(np.uint8)
    made[_HEIGHTS : _HEIGHTS + 8] = height
    made[_HEIGHTS + _LAST] = TILE_ROWS
    return made


def height_for(rows: Value) -> Value:
    """The least height with which as many tiles as 16 rows each need have room for `rows` rows."""
    tiles = (rows + (TILE_ROWS - 1)) // TILE_ROWS
    return (rows + tiles - 1) // tiles


def configure(height: Value) -> None:
    """Writes the instruction that sets the shapes of all tiles, which zeroes them."""
    f = height.out
    shapes = f.memory(f.constant(64))
    for begin, word in enumerate(configuration().view("<i8")):
        shapes.at(8 * begin).store(f.constant(int(word)))
    ones = (1 << 8 * _LAST) // 255  # 1 in each byte but the last
    shapes.at(_HEIGHTS).store(height * ones | TILE_ROWS << 8 * _LAST)
    f.intrinsic("llvm.x86.ldtilecfg", "void", shapes)


def tile_kernel(a_signed: bool, b_signed: bool, tall: bool = True, weights: type[Bytes] = Bytes) -> str:
    """The module of the micro-kernel for signed or unsigned bytes; `tall` for windows, else for matrices."""
    return _Tiles(_PRODUCT[a_signed, b_signed], tall, weights).text()


class _Tiles:
    def __init__(self, product: str, tall: bool, weights: type[Bytes]) -> None:
        self.module, self.tall = Module(), tall
        self.m = Micro(self.module)
        self.f = self.m.f
        self.weights = {count: weights(self.m, count) for count in (1, 2, 4)}  # by how many panels a step takes
        self.product = f"llvm.x86.tdpb{product}d"

    def text(self) -> str:
        """Any number of rows, in stretches of so many row tiles at a time."""
        f, m = self.f, self.m
        tiles = (m.rows + m.height - 1) // m.height
        if self.tall:
            # four at a time, and three where that leaves no fewer at the end: 4 a + 3 b = tiles has b = -tiles mod 4
            missing = (f.constant(0) - tiles) & 3
            threes = missing.compare("sle", tiles // 3).choose(missing, f.constant(0))
            fours = (tiles - threes * 3) // 4
            row = self._stretch(f.constant(0), fours, 4, 1)
            row = self._stretch(row, threes, 3, 1)
        else:
            row = f.constant(0)
            fours = threes = row
        left = tiles - fours * 4 - threes * 3
        row = self._stretch(row, left // 2, 2, 2)
        self._stretch(row, left & 1, 1, 4)
        return str(self.module)

    def _stretch(self, row: Value, count: Value, row_tiles: int, panel_tiles: int) -> Value:
        """All panels of `count` times `row_tiles` row tiles from `row` on, so many panels at a time, then the rest one by
        one. The row behind."""
        whole = self.m.panels // panel_tiles
        self._blocks(row, count, self.f.constant(0), whole, row_tiles, panel_tiles)
        if panel_tiles > 1:
            first = whole * panel_tiles
            self._blocks(row, count, first, self.m.panels - first, row_tiles, 1)
        return row + count * (self.m.height * row_tiles)

    def _blocks(
        self, first_row: Value, row_blocks: Value, first_panel: Value, panel_blocks: Value, row_tiles: int, panel_tiles: int
    ) -> None:
        """Sums of blocks of tiles, one after the other, panels innermost. A tile of sums is stored just before it begins
        those of the next block, while the others are still being added to."""
        f, m = self.f, self.m
        total = row_blocks * panel_blocks
        with f.when(total.compare("sgt", 0)):
            row, panel, none = f.variable(first_row), f.variable(first_panel), f.constant(0)
            last_panel = first_panel + panel_blocks * panel_tiles
            weights = self.weights[panel_tiles]
            weights.begin(first_panel, last_panel)
            places = self._places(first_row, first_panel, row_tiles, panel_tiles)
            self._step(self._rows(first_row, row_tiles), none, weights, first_panel, begin=places)
            with f.loop(1, total + 1) as number:
                at_row, at_panel = row.get(), panel.get()
                rows = self._rows(at_row, row_tiles)
                with f.loop(1, m.steps) as step:
                    self._step(rows, step, weights, at_panel)
                places = self._places(at_row, at_panel, row_tiles, panel_tiles)
                is_last = number.compare("eq", total)
                with f.when(is_last ^ 1):
                    behind = at_panel + panel_tiles
                    wraps = behind.compare("sge", last_panel)
                    panel.set(wraps.choose(first_panel, behind))
                    row.set(wraps.choose(at_row + m.height * row_tiles, at_row))
                    following = self._places(row.get(), panel.get(), row_tiles, panel_tiles)
                    self._step(self._rows(row.get(), row_tiles), none, weights, panel.get(), places, following)
                with f.when(is_last):
                    for tile, place in enumerate(places):
                        self._store(tile, place)

    def _step(
        self,
        rows: Sequence[Value],
        number: Value,
        weights: Bytes,
        panel: Value,
        end: Sequence[Value] = (),
        begin: Sequence[Value] = (),
    ) -> None:
        """Step `number`: every row tile times every weight tile. Before its product, each tile of sums is stored to its
        place in `end` and begun from its place in `begin`."""
        tiles = weights.tiles(panel, number)
        one_panel, stride, offset = len(tiles) == 1, self.m.a_stride, self.m.offset(number)
        if not one_panel:
            for i, row in enumerate(rows):
                self._load(_A + i, row.at(offset), stride)
        for j, b in enumerate(tiles):
            self._load(_LAST, b, 64)
            for i, row in enumerate(rows):
                tile, a_register = i * len(tiles) + j, _A if one_panel else _A + i
                if one_panel:
                    self._load(a_register, row.at(offset), stride)
                if end:
                    self._store(tile, end[tile])
                if begin:
                    self._begin(tile, begin[tile])
                self.f.intrinsic(self.product, "void", f"i8 {tile}", f"i8 {a_register}", f"i8 {_LAST}")
        weights.advance()

    def _rows(self, first: Value, tiles: int) -> list[Value]:
        """Row tiles from `first` on, a multiple of their height."""
        return [self.m.row(first + self.m.height * i) for i in range(tiles)]

    def _places(self, row: Value, panel: Value, row_tiles: int, panel_tiles: int) -> list[Value]:
        """Where the tiles of a block of sums belong."""
        stride = self.m.c_stride * self.m.height
        return [
            self.m.place(row, panel).at(stride * i).at(4 * PANEL * j) for i in range(row_tiles) for j in range(panel_tiles)
        ]

    def _begin(self, tile: int, place: Value) -> None:
        """Sums from 0, or from what C holds."""
        fresh = self.m.accumulate.compare("eq", 0)
        with self.f.when(fresh):
            self.f.intrinsic("llvm.x86.tilezero", "void", f"i8 {tile}")
        with self.f.when(fresh ^ 1):
            self._load(tile, place, self.m.c_stride)

    def _store(self, tile: int, place: Value) -> None:
        self.f.intrinsic("llvm.x86.tilestored64", "void", f"i8 {tile}", place, self.m.c_stride)

    def _load(self, tile: int, place: Value, stride: Value | int) -> None:
        shown = stride if isinstance(stride, Value) else f"i64 {stride}"
        self.f.intrinsic("llvm.x86.tileloadd64", "void", f"i8 {tile}", place, shown)

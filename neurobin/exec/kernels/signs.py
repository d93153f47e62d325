"""Weight tiles of -1 and +1 kept as bits, an eighth of their memory, and spread to bytes before a block of rows needs them.

Half a tile is 64 bytes of bits: bit r of byte k is 1 where byte k of the half's row r is +1.
"""

from __future__ import annotations

import numpy as np

from neurobin.exec.kernels.emit import I64, PTR, Module
from neurobin.exec.kernels.jit import SYMBOL

TILE_BYTES = 1024
BITS_BYTES = TILE_BYTES // 8
_ROW = 64
_HALF = 8  # rows


def as_bits(tiles: np.ndarray) -> np.ndarray:
    """uint8 [panels, bytes / 8] of tiles of bytes, uint8 [panels, ...]."""
    halves = (tiles == 1).reshape(len(tiles), -1, _HALF, _ROW)
    return np.packbits(halves, axis=2, bitorder="little").reshape(len(tiles), -1)


def spread_kernel() -> str:
    """The module of `void kernel(ptr bits, ptr tiles, i64 count)`: so many tiles from their bits."""
    module = Module()
    f = module.function(SYMBOL, ((PTR, "bits"), (PTR, "tiles"), (I64, "count")))
    bits, tiles, count = f.parameters
    kind = f"<{_ROW} x i8>"
    with f.loop(0, count * 2) as half:
        signs, rows = bits.at(half * _ROW).load(kind, _ROW), tiles.at(half * (_HALF * _ROW))
        for row in range(_HALF):
            mark = f.constant((1 << row) - (256 if row == _HALF - 1 else 0), kind)
            positive = (signs & mark).compare("ne", 0)
            rows.at(row * _ROW).store(positive.choose(f.constant(1, kind), f.constant(-1, kind)), _ROW)
    return str(module)

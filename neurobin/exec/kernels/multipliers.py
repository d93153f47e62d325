"""How a back end multiplies bytes: on vectors or on tiles, with which micro-kernels, and in blocks of which size.

Sizes of blocks are measured ones, on a core with 48 KiB of first-level and 2 MiB of second-level cache.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from math import lcm
from typing import ClassVar, Protocol

import numpy as np

from neurobin.exec.kernels.bytewise import GROUP, Way, Weights, bytewise_kernel
from neurobin.exec.kernels.geometry import Frame
from neurobin.exec.kernels.linear import Blocks, Linear
from neurobin.exec.kernels.micro import BLOCK_ROWS, PANEL, STEP
from neurobin.exec.kernels.prepare import Operand
from neurobin.exec.kernels.tile_weights import TILE_BYTES, Bits, Bytes, as_bits
from neurobin.exec.kernels.tiles import TILE_ROWS, tile_kernel

_WEIGHTS_AT_HAND = 20 << 10  # bytes
_FIRST_LEVEL = 40 << 10  # bytes of the first-level cache that rows and weights may take
_LEAST_CYCLES = 9  # of a product, which otherwise takes as many as its tile has rows
_WORTH_FITTING = 0.95  # tiles over outputs alone must take less than this share of the cycles of tiles over all places
_KEPT_AS_BITS = 1 << 20  # weights of a layer: as bytes they would crowd the second-level cache


@dataclass(frozen=True)
class Choice:
    """For one layer: the micro-kernel for signed or unsigned rows and a digit of the weights, its blocks of the rows of a
    `grid`, and what becomes of packed weights in memory."""

    text: Callable[[bool, Weights], str]
    blocks: Blocks
    grid: tuple[int, int]
    stored: Callable[[np.ndarray], np.ndarray]


Products = Collection[tuple[bool, Weights]]  # of a digit of the rows, signed or not, and one of the weights


class Multiplier(Protocol):
    """`spans` are the numbers of bytes that a step may read."""

    tiles: ClassVar[bool]
    spans: ClassVar[Sequence[int]]

    def raises(self, weights: Weights) -> bool:
        """Whether signed rows had better be raised by 128 to unsigned ones when they meet such weights."""

    def choice(self, layer: Linear, operand: Operand, offsets: np.ndarray, span: int, products: Products) -> Choice:
        """For a layer whose steps of `span` bytes lie at `offsets` [panels or 1, S]."""


@dataclass(frozen=True)
class Vectors:
    """Operands are multiplied in the first of some ways that takes them."""

    ways: tuple[Way, ...]
    tiles: ClassVar[bool] = False
    spans: ClassVar[Sequence[int]] = range(GROUP, STEP + 1, GROUP)

    def raises(self, weights: Weights) -> bool:
        return self._way(False, weights) is not self._way(True, weights)

    def choice(self, layer: Linear, operand: Operand, offsets: np.ndarray, span: int, products: Products) -> Choice:
        def text(a_signed: bool, weights: Weights) -> str:
            return bytewise_kernel(self._way(a_signed, weights), a_signed, weights.signed, span)

        rows = {self._way(*each).rows for each in products}
        together = lcm(*rows)  # a block ends where all kernels' tiles do
        return Choice(text, Blocks(BLOCK_ROWS // together * together, max(rows)), layer.frame.output, np.asarray)

    def _way(self, a_signed: bool, weights: Weights) -> Way:
        return next(way for way in self.ways if way.takes(a_signed, weights))


@dataclass(frozen=True)
class Tiles:
    """AMX, which multiplies bytes of any signs."""

    tiles: ClassVar[bool] = True
    spans: ClassVar[Sequence[int]] = (STEP,)

    def raises(self, weights: Weights) -> bool:
        return False

    def choice(self, layer: Linear, operand: Operand, offsets: np.ndarray, span: int, products: Products) -> Choice:
        tall, (grid, tile_rows) = not layer.frame.is_matrix, _grid(layer.frame)
        in_bits = _worth_bits(layer, offsets.shape[1])
        blocks = Blocks(4 * tile_rows, tile_rows) if in_bits else _blocks(layer, operand, offsets, 4 * tile_rows)
        blocks = replace(blocks, unit=BLOCK_ROWS if operand.blocked else tile_rows, tile_rows=tile_rows)
        form = Bits if in_bits else Bytes

        def text(a_signed: bool, weights: Weights) -> str:
            return tile_kernel(a_signed, weights.signed, tall, form)

        return Choice(text, blocks, grid, as_bits if in_bits else np.asarray)


def _grid(frame: Frame) -> tuple[tuple[int, int], int]:
    """The places that rows run over, and the rows of a tile: outputs alone where tiles fit into a row of them and that costs
    less than the borders do, which tiles of 16 places after each other compute as well."""
    height, width = frame.output
    fit = max(rows for rows in range(1, TILE_ROWS + 1) if width % rows == 0)
    cycles = height * width // fit * max(fit, _LEAST_CYCLES)
    if cycles < _WORTH_FITTING * frame.height * frame.width:
        return (height, width), fit
    return (frame.height, frame.width), TILE_ROWS


def _worth_bits(layer: Linear, steps: int) -> bool:
    """Whether all weights are -1 or +1, none left over in a step, where a 0 would become one of them, and many."""
    full = layer.groups == 1 and layer.weight[0].size == steps * STEP
    return full and layer.weight.size >= _KEPT_AS_BITS and bool((np.abs(layer.weight) == 1).all())


def _blocks(layer: Linear, operand: Operand, offsets: np.ndarray, rows: int) -> Blocks:
    """Weights of a block in a part of the first-level cache, from which all its rows take them, and beside them the places
    that 64 rows of a window read. Measured: a second panel pays where the rows come back for more steps anyway."""
    steps = offsets.shape[1]
    if layer.frame.is_matrix:
        return Blocks(4 * rows, rows, 4 * PANEL, _WEIGHTS_AT_HAND // TILE_BYTES)
    if 2 * steps * TILE_BYTES <= _WEIGHTS_AT_HAND:
        return Blocks(rows, rows, 2 * PANEL)
    chunks = -(-steps * TILE_BYTES // _WEIGHTS_AT_HAND)
    while chunks < steps and _read_bytes(offsets[0, : -(-steps // chunks)], operand) > _FIRST_LEVEL:
        chunks += 1
    return Blocks(rows, rows, PANEL if chunks == 1 else 2 * PANEL, -(-steps // chunks))


def _read_bytes(offsets: np.ndarray, operand: Operand) -> int:
    """What 64 neighbouring places of one panel read in these steps, weights included; rows of outputs alone read no less."""
    places = np.unique(np.add.outer(offsets, np.arange(BLOCK_ROWS) * operand.row_bytes) // STEP)
    return len(places) * STEP + len(offsets) * TILE_BYTES

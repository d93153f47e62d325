"""Linear layers on bytes: a = sum 256^i a_i and w = sum 256^j w_j, one term per pair of digits.

Terms of one power of 256 share a block of sums. Rows of signed bytes that meet an unsigned-by-signed instruction are
raised by 128, which a constant of each channel takes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels.bytewise import Way, bytewise_kernel
from neurobin.exec.kernels.geometry import Cover, Frame, cover
from neurobin.exec.kernels.layout import Form, Layout, spread
from neurobin.exec.kernels.linear import (
    SUM_LIMIT,
    Blocks,
    Linear,
    Pack,
    Panel,
    Product,
    Term,
    filled,
    iterate_digits,
    padded_outputs,
    pattern,
    per_output,
    tap_offsets,
)
from neurobin.exec.kernels.micro import BLOCK_ROWS, PANEL
from neurobin.exec.kernels.prepare import Operand
from neurobin.exec.kernels.region import Sums
from neurobin.exec.kernels.tile_weights import TILE_BYTES, Bits, Bytes, as_bits
from neurobin.exec.kernels.tiles import TILE_ROWS, tile_kernel

_STEP = 64  # bytes
_WEIGHTS_AT_HAND = 20 << 10  # bytes
_FIRST_LEVEL = 40 << 10  # bytes of the first-level cache that rows and weights may take
_KEPT_AS_BITS = 1 << 20  # weights of a layer: as bytes they would crowd the second-level cache


@dataclass(frozen=True)
class Digit:
    """One 8-bit digit of all weights."""

    values: np.ndarray
    signed: bool


def byte_product(layer: Linear, layout: Layout, ways: tuple[Way, ...], low: int, high: int) -> Product:
    """The layer on tiles (no `ways`) or vectors: ways[0] for unsigned rows and signed weights, ways[-1] for any.

    Raises UnsupportedError where a block of sums might leave 32 bits.
    """
    signs, digits = list(iterate_digits(layout.dtype.low, layout.dtype.high)), _digits(layer.weight)
    flip = len(ways) > 1 and signs == [True] and [d.signed for d in digits] == [True]
    operand = _operand(layer.frame, layout, len(signs), flip, may_block=not ways and layer.groups == 1)
    offsets, pack = _steps(layer, operand)
    in_bits = not ways and _worth_bits(layer, offsets.shape[1])
    bound, terms, blocks = np.zeros(len(signs) + len(digits) - 1), [], _tile_blocks(layer, operand, offsets, in_bits)
    for i, row_signed in enumerate(signs):
        for j, digit in enumerate(digits):
            a_signed = row_signed and not flip
            if ways:
                way = ways[0] if digit.signed and not a_signed else ways[-1]
                code = bytewise_kernel(way, a_signed, digit.signed)
                blocks = Blocks(BLOCK_ROWS // way.rows * way.rows, way.rows)
            else:
                code = tile_kernel(a_signed, digit.signed, not layer.frame.is_matrix, Bits if in_bits else Bytes)
            bound[i + j] += (128 if a_signed else 255) * per_output(np.abs(digit.values)).max()
            packed = as_bits(pack(digit.values)) if in_bits else pack(digit.values)
            terms.append(Term(code, offsets, packed, operand.plane * i, i + j))
    if bound.max() >= SUM_LIMIT:
        raise UnsupportedError(f"sums of {layer.weight[0].size} products of bytes may exceed 32 bits")
    constant = -128 * per_output(layer.weight) if flip else None
    sums = Sums(low, high, tuple(8 * k for k in range(len(bound))), constant)
    return Product(operand, _padding(layer, operand), tuple(terms), sums, blocks, not ways)


def _worth_bits(layer: Linear, steps: int) -> bool:
    """Whether all weights are -1 or +1, none left over in a step, where a 0 would become one of them, and many."""
    full = layer.groups == 1 and layer.weight[0].size == steps * _STEP
    return full and layer.weight.size >= _KEPT_AS_BITS and bool((np.abs(layer.weight) == 1).all())


def _tile_blocks(layer: Linear, operand: Operand, offsets: np.ndarray, in_bits: bool) -> Blocks:
    """Weights of a block in a part of the first-level cache, from which all its rows take them, and beside them the places
    that 64 rows of a window read. Measured: a second panel pays where the rows come back for more steps anyway."""
    unit, steps = BLOCK_ROWS if operand.blocked else TILE_ROWS, offsets.shape[1]
    if in_bits:
        return Blocks(BLOCK_ROWS, unit)
    if layer.frame.is_matrix:
        return Blocks(4 * BLOCK_ROWS, unit, 4 * PANEL, _WEIGHTS_AT_HAND // TILE_BYTES)
    if 2 * steps * TILE_BYTES <= _WEIGHTS_AT_HAND:
        return Blocks(BLOCK_ROWS, unit, 2 * PANEL)
    chunks = -(-steps * TILE_BYTES // _WEIGHTS_AT_HAND)
    while chunks < steps and _read_bytes(offsets[0, : -(-steps // chunks)], operand) > _FIRST_LEVEL:
        chunks += 1
    return Blocks(BLOCK_ROWS, unit, PANEL if chunks == 1 else 2 * PANEL, -(-steps // chunks))


def _read_bytes(offsets: np.ndarray, operand: Operand) -> int:
    """What 64 rows of one panel read in these steps, weights included."""
    places = np.unique(np.add.outer(offsets, np.arange(BLOCK_ROWS) * operand.row_bytes) // _STEP)
    return len(places) * _STEP + len(offsets) * TILE_BYTES


def in_place(layer: Linear, layout: Layout) -> Linear | None:
    """The layer on the map as it lies, where tiles can read it there: stride 1, bytes, a border wide enough. Else None."""
    frame, border = layer.frame, layout.border
    fits = border.rows >= frame.before[0] and border.columns >= frame.before[1]
    gapless = layout.image == (layout.shape[0] + border.rows) * layout.row and spread(layout.pixel) == layout.pixel
    if not (fits and gapless and frame.is_unit and layout.form in (Form.S8, Form.U8)) or frame.is_matrix:
        return None
    return replace(layer, frame=replace(frame, border=(border.rows, border.columns)))


def _digits(weight: np.ndarray) -> list[Digit]:
    made, rest = [], weight
    for signed in iterate_digits(int(weight.min()), int(weight.max())):
        made.append(Digit(rest if signed else rest & 255, signed))
        rest = rest >> 8
    return made


def _operand(frame: Frame, layout: Layout, digits: int, flip: bool, may_block: bool) -> Operand:
    """The prepared map: dense bytes where there are fewer channels than a step has, else whole steps."""
    channels, phases = layout.shape[2], frame.phases()
    plane = channels if channels < _STEP else -(-channels // _STEP) * _STEP
    chunk = digits * plane
    pixel = spread(chunk * int(phases.max() + 1))
    row = frame.width * pixel
    places = np.where(phases >= 0, phases * chunk, -1)
    made = Operand(
        False, False, flip, digits, frame.stride, frame.before, places, chunk, pixel, row, frame.height * row, plane
    )
    if frame.border is not None:
        return replace(made, chunk=layout.pixel, plane=layout.pixel, pixel=layout.pixel, row=layout.row, image=layout.image)
    if may_block and frame.is_matrix and digits == 1:
        whole = -(-channels // _STEP) * _STEP
        return replace(made, blocked=True, chunk=whole, pixel=whole, row=whole, image=whole)
    return made


def _padding(layer: Linear, operand: Operand) -> np.ndarray:
    value = layer.pad_value + (128 if operand.flip else 0)
    digits = [np.full(operand.plane, value >> (8 * d) & 255, np.uint8) for d in range(operand.digits)]
    return pattern(np.concatenate(digits), operand)


def _steps(layer: Linear, operand: Operand) -> tuple[np.ndarray, Pack]:
    """Offsets [panels or 1, S], and the packing of weights as [panels, S, 16 groups of four, 16 channels, 4]."""
    taps = tap_offsets(layer.frame, operand)
    found: list[tuple[Panel, Cover]] = []
    for panel in layer.panels():
        reads = cover((taps[..., None] + panel.channels).reshape(-1), _STEP)
        found.append((panel, _by_channels(reads, operand)))
    steps = max(len(reads.starts) for _, reads in found)
    offsets = np.stack([filled(reads.starts, steps) for _, reads in found])
    if operand.blocked:
        offsets = offsets * BLOCK_ROWS

    def pack(values: np.ndarray) -> np.ndarray:
        made = np.zeros((padded_outputs(layer), steps, _STEP), np.int16)
        for panel, reads in found:
            made[panel.outputs, reads.step, reads.unit] = panel.filters(values)
        tiles = made.reshape(-1, PANEL, steps, _STEP // 4, 4).transpose(0, 2, 3, 1, 4)
        return np.ascontiguousarray(tiles).astype(np.uint8)

    return offsets, pack


def _by_channels(reads: Cover, operand: Operand) -> Cover:
    """Steps with all taps of 64 channels after each other, so that a map's rows are read from the first-level cache."""
    if operand.chunk <= _STEP:
        return reads
    channel = reads.starts % operand.pixel % operand.chunk
    order = np.lexsort((reads.starts, channel // _STEP))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Cover(reads.starts[order], place[reads.step], reads.unit)

"""Linear layers on bytes: a = sum 256^i a_i and w = sum 256^j w_j, one term per pair of digits.

Terms of one power of 256 share a block of sums. Rows of signed bytes that meet an unsigned-by-signed instruction are
raised by 128, which a constant of each channel takes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels.bytewise import GROUP, Weights
from neurobin.exec.kernels.geometry import Cover, Frame, cover
from neurobin.exec.kernels.layout import Form, Layout, spread
from neurobin.exec.kernels.linear import (
    SUM_LIMIT,
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
from neurobin.exec.kernels.micro import BLOCK_ROWS, PANEL, STEP
from neurobin.exec.kernels.multipliers import Multiplier
from neurobin.exec.kernels.prepare import Operand
from neurobin.exec.kernels.region import Sums

_STEP_COST = 1  # of a step, in bytes of a row: measured 0 to 1.3


@dataclass(frozen=True)
class Digit:
    """One 8-bit digit of all weights."""

    values: np.ndarray
    signed: bool

    @property
    def kind(self) -> Weights:
        return Weights(self.signed, int(np.abs(self.values).max()))


def byte_product(layer: Linear, layout: Layout, multiplier: Multiplier, low: int, high: int) -> Product:
    """The layer as products of bytes. Raises UnsupportedError where a block of sums might leave 32 bits."""
    signs, digits = list(iterate_digits(layout.dtype.low, layout.dtype.high)), _digits(layer.weight)
    flip = signs == [True] and [d.signed for d in digits] == [True] and multiplier.raises(digits[0].kind)
    operand = _operand(layer.frame, layout, len(signs), flip, may_block=multiplier.tiles and layer.groups == 1)
    span, _ = _span(layer, operand, multiplier.spans)
    offsets, pack = _steps(layer, operand, span)
    rows_signed = [signed and not flip for signed in signs]
    choice = multiplier.choice(layer, operand, offsets, span, {(a, digit.kind) for a in rows_signed for digit in digits})
    bound, terms = np.zeros(len(signs) + len(digits) - 1), []
    for i, a_signed in enumerate(rows_signed):
        for j, digit in enumerate(digits):
            bound[i + j] += (128 if a_signed else 255) * per_output(np.abs(digit.values)).max()
            weights = choice.stored(pack(digit.values))
            terms.append(Term(choice.text(a_signed, digit.kind), offsets, weights, operand.plane * i, i + j))
    if bound.max() >= SUM_LIMIT:
        raise UnsupportedError(f"sums of {layer.weight[0].size} products of bytes may exceed 32 bits")
    constant = -128 * per_output(layer.weight) if flip else None
    sums = Sums(low, high, tuple(8 * k for k in range(len(bound))), constant)
    return Product(operand, _padding(layer, operand), tuple(terms), sums, choice.blocks, choice.grid)


def bytes_read(layer: Linear, layout: Layout, multiplier: Multiplier) -> float:
    """What a sum costs by products of bytes, in bytes of rows that meet weights."""
    digits = len(list(iterate_digits(layout.dtype.low, layout.dtype.high)))
    _, cost = _span(layer, _operand(layer.frame, layout, digits, False, False), multiplier.spans)
    return digits * len(_digits(layer.weight)) * cost


def in_place(layer: Linear, layout: Layout) -> Linear | None:
    """The layer on the map as it lies, where tiles can read it there: stride 1, bytes, a border wide enough. Else None."""
    frame, border = layer.frame, layout.border
    fits = border.rows >= frame.before[0] and border.columns >= frame.before[1]
    gapless = layout.image == (layout.shape[0] + border.rows) * layout.row and spread(layout.pixel) == layout.pixel
    if not (fits and gapless and frame.is_unit and layout.form in (Form.S8, Form.U8)) or frame.is_matrix:
        return None
    return replace(layer, frame=replace(frame, border=(border.rows, border.columns)))


def _digits(weight: np.ndarray) -> list[Digit]:
    """Digits of the weights, the last one signed where that takes no more of them: such meet unsigned rows faster."""
    low, high = int(weight.min()), int(weight.max())
    signs = min((list(iterate_digits(end, high)) for end in (min(low, -1), low)), key=len)
    made, rest = [], weight
    for signed in signs:
        made.append(Digit(rest if signed else rest & 255, signed))
        rest = rest >> 8
    return made


def _operand(frame: Frame, layout: Layout, digits: int, flip: bool, may_block: bool) -> Operand:
    """The prepared map: dense bytes where there are fewer channels than the longest step has, else whole such steps."""
    channels, phases = layout.shape[2], frame.phases()
    plane = channels if channels < STEP else -(-channels // STEP) * STEP
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
        whole = -(-channels // STEP) * STEP
        return replace(made, blocked=True, chunk=whole, pixel=whole, row=whole, image=whole)
    return made


def _padding(layer: Linear, operand: Operand) -> np.ndarray:
    value = layer.pad_value + (128 if operand.flip else 0)
    digits = [np.full(operand.plane, value >> (8 * d) & 255, np.uint8) for d in range(operand.digits)]
    return pattern(np.concatenate(digits), operand)


def _reads(layer: Linear, operand: Operand) -> Iterator[tuple[Panel, np.ndarray]]:
    """The bytes that each panel reads for its first output, a tap's channels after each other."""
    taps = tap_offsets(layer.frame, operand)
    for panel in layer.panels():
        yield panel, (taps[..., None] + panel.channels).reshape(-1)


def _span(layer: Linear, operand: Operand, spans: Sequence[int]) -> tuple[int, float]:
    """How many bytes a step had better read, and what all steps cost, in bytes: long steps are fewer, short ones multiply
    fewer weights of 0."""
    reads = (np.unique(each) for _, each in _reads(layer, operand))
    return _cheapest(frozenset((each - each[0]).tobytes() for each in reads), tuple(spans))  # most panels differ by a shift


@lru_cache(maxsize=1024)
def _cheapest(panels: frozenset[bytes], spans: tuple[int, ...]) -> tuple[int, float]:
    """`_span` of what some panels read, int64 from 0 on."""
    reads = [np.frombuffer(each, np.int64) for each in panels]

    def cost(span: int) -> float:
        return max(len(cover(each, span).starts) for each in reads) * (span + _STEP_COST)

    longest = max(spans)
    fits = all(len(each) == len(cover(each, longest).starts) * longest for each in reads)
    best = longest if fits else min(spans, key=cost)
    return best, cost(best)


def _steps(layer: Linear, operand: Operand, span: int) -> tuple[np.ndarray, Pack]:
    """Offsets [panels or 1, S], and the packing of weights as [panels, S, groups of four, 16 channels, 4]."""
    found = [(panel, _by_channels(cover(reads, span), operand)) for panel, reads in _reads(layer, operand)]
    steps = max(len(reads.starts) for _, reads in found)
    offsets = np.stack([filled(reads.starts, steps) for _, reads in found])
    if operand.blocked:
        offsets = offsets * BLOCK_ROWS

    def pack(values: np.ndarray) -> np.ndarray:
        made = np.zeros((padded_outputs(layer), steps, span), np.int16)
        for panel, reads in found:
            made[panel.outputs, reads.step, reads.unit] = panel.filters(values)
        tiles = made.reshape(-1, PANEL, steps, span // GROUP, GROUP).transpose(0, 2, 3, 1, 4)
        return np.ascontiguousarray(tiles).astype(np.uint8)

    return offsets, pack


def _by_channels(reads: Cover, operand: Operand) -> Cover:
    """Steps with all taps of 64 channels after each other, so that a map's rows are read from the first-level cache."""
    if operand.chunk <= STEP:
        return reads
    channel = reads.starts % operand.pixel % operand.chunk
    order = np.lexsort((reads.starts, channel // STEP))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return Cover(reads.starts[order], place[reads.step], reads.unit)

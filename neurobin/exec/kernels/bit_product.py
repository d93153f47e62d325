"""Linear layers on bit planes: a = sum of planes, w = sum of planes, one term per pair of planes, all in one block of sums.

With v the bits of a weight plane (values t, N of them not 0, P of them +1) and b those of an activation plane,

    signs       sum t (2 b - 1) = N - 2 pc           pc = popcount(m & (b ^ v)), m marking t != 0
    zeros/ones  sum t b         = P - pc

so every term is a constant of its channel plus a factor times a count.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels.bitwise import bitwise_kernel
from neurobin.exec.kernels.counting import Way
from neurobin.exec.kernels.geometry import Frame
from neurobin.exec.kernels.layout import WORD_BYTES, Layout, plane_bytes, spread
from neurobin.exec.kernels.linear import (
    SUM_LIMIT,
    Blocks,
    Linear,
    Pack,
    Panel,
    Product,
    Term,
    filled,
    padded_outputs,
    pattern,
    per_output,
    tap_offsets,
)
from neurobin.exec.kernels.micro import BLOCK_ROWS, PANEL, STEP
from neurobin.exec.kernels.planes import planes_of
from neurobin.exec.kernels.prepare import Operand
from neurobin.exec.kernels.region import Sums
from neurobin.ir import Encoding


def bit_product(layer: Linear, layout: Layout, two: Way, three: Way, low: int, high: int) -> Product:
    """The layer by popcount: `two` for weights of two values, `three` for those with a mask.

    Raises UnsupportedError where a type has no planes or sums may leave 32 bits.
    """
    planes, factors = planes_of(layout.dtype), list(_factors(layer))
    if not planes or not factors or max(abs(low), abs(high)) >= SUM_LIMIT:
        raise UnsupportedError(f"no bit planes for {layout.dtype} times {layer.dtype}")
    masked = any((values == 0).any() for _, values in factors) or _mixes_groups(layer)
    way = three if masked else two
    operand = _operand(layer.frame, layout, len(planes), way.paired)
    offsets, pack = _steps(layer, operand, masked)
    alone, terms = len(planes) * len(factors) == 1, list[Term]()
    code, words = bitwise_kernel(way, masked, alone), operand.plane
    constant = np.zeros(layer.outputs, np.int64)
    for factor, values in factors:
        packed = pack(values)
        for i, plane in enumerate(planes):
            scale = plane.weight * factor
            per_count = -2 * scale if plane.signs else -scale
            terms.append(Term(code, offsets, packed, words * i, 0, 1 if alone else per_count))
            constant += scale * per_output(values != 0 if plane.signs else values > 0)
    sums = Sums(low, high, (0,), constant, _correction(layer, layout), per_count if alone else 1)
    blocks = Blocks(BLOCK_ROWS // way.rows * way.rows, way.rows)
    return Product(operand, _padding(layer, layout, operand), tuple(terms), sums, blocks, layer.frame.output)


def words_read(layer: Linear, layout: Layout) -> int:
    """How many words of each plane a sum reads."""
    return max(len(words) for _, _, words in _words(layer, _operand(layer.frame, layout, 1, False)))


def _factors(layer: Linear) -> Iterator[tuple[int, np.ndarray]]:
    """The weights as a sum of factors times values -1, 0 and +1. Ternary weights are such values themselves."""
    if layer.dtype.encoding is Encoding.TERNARY:
        yield 1, layer.weight
        return
    for plane in planes_of(layer.dtype):
        yield plane.weight, np.where(plane.rule.bits(layer.weight), 1, -1 if plane.signs else 0)


def _mixes_groups(layer: Linear) -> bool:
    """Whether a word or a panel holds channels of several groups, some of which an output must not read."""
    depth = layer.weight.shape[3]
    return layer.groups > 1 and (depth % STEP != 0 or layer.outputs // layer.groups % PANEL != 0)


def _operand(frame: Frame, layout: Layout, planes: int, paired: bool) -> Operand:
    """The prepared map: a phase of a pixel holds the words of its first plane, then of the next."""
    words, phases = plane_bytes(layout.shape[2]), frame.phases()
    chunk = words * planes
    pixel = spread(chunk * int(phases.max() + 1))
    row = frame.width * pixel
    places = np.where(phases >= 0, phases * chunk, -1)
    return Operand(True, paired, False, 1, frame.stride, frame.before, places, chunk, pixel, row, frame.height * row, words)


def _steps(layer: Linear, operand: Operand, masked: bool) -> tuple[np.ndarray, Pack]:
    """Offsets [panels or 1, S], and the packing of values -1, 0, +1 as [panels, S, 2 or 4 words of 32 bits, 16 channels]."""
    found = list(_words(layer, operand))
    steps = max(len(words) for _, _, words in found)
    offsets = np.stack([filled(words * WORD_BYTES, steps) for _, _, words in found])

    def pack(values: np.ndarray) -> np.ndarray:
        signs = np.zeros((padded_outputs(layer), steps, STEP), np.uint8)
        marks = np.zeros_like(signs)
        for panel, bits, words in found:
            filters, step = panel.filters(values), np.searchsorted(words, bits // STEP)
            signs[panel.outputs, step, bits % STEP] = filters > 0
            marks[panel.outputs, step, bits % STEP] = filters != 0
        halves = _halves(signs, operand.paired)
        both = np.concatenate([halves, _halves(marks, False)], axis=-1) if masked else halves
        return np.ascontiguousarray(both.reshape(-1, PANEL, steps, both.shape[-1]).transpose(0, 2, 3, 1))

    return offsets, pack


def _words(layer: Linear, operand: Operand) -> Iterator[tuple[Panel, np.ndarray, np.ndarray]]:
    """The bits that each panel reads for its first output, and their words."""
    taps = tap_offsets(layer.frame, operand)
    for panel in layer.panels():
        bits = (8 * taps[..., None] + panel.channels).reshape(-1)
        yield panel, bits, np.unique(bits // STEP)


def _halves(bits: np.ndarray, paired: bool) -> np.ndarray:
    """uint32 [..., 2] of bits [..., 64]: two words, or the first one and their difference."""
    words = np.packbits(bits, axis=-1, bitorder="little").view("<u4")
    if paired:
        words[..., 1] ^= words[..., 0]
    return words


def _padding(layer: Linear, layout: Layout, operand: Operand) -> np.ndarray:
    """The bits of the padding value; all 0, the lowest value, where the type does not have it."""
    channels = layout.shape[2]
    value = np.array([layer.pad_value])
    words = []
    for plane in planes_of(layout.dtype):
        bits = np.zeros(8 * plane_bytes(channels), np.uint8)
        bits[:channels] = layout.dtype.holds(value) and plane.rule.bits(value)[0]
        words.append(_halves(bits.reshape(-1, STEP), operand.paired).reshape(-1))
    return pattern(np.concatenate(words).view(np.uint8), operand)


def _correction(layer: Linear, layout: Layout) -> tuple[np.ndarray, np.ndarray] | None:
    """What to add where padding was computed as the type's lowest value, whose bits are all 0."""
    frame = layer.frame
    if not any(frame.padding) or layout.dtype.holds(np.array([layer.pad_value])):
        return None
    classes, outside = frame.overhangs()
    if not outside.any():
        return None
    excess = layout.dtype.low - layer.pad_value
    return -excess * np.einsum("okl,ckl->co", layer.weight.sum(3), outside.astype(np.int64)), classes

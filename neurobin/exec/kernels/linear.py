"""Linear layers on prepared maps: which operand they read, packed weights, terms, and the kernel that drives them.

An integer product is a sum of terms, each a product of narrow operands that a micro-kernel computes:

    bytes   a = sum 256^i a_i and w = sum 256^j w_j, one term per pair of digits; terms of one power share a block of sums
    bits    a = sum of planes, w = sum of planes, one term per pair of planes, all in one block

For bits, with v the bits of a weight plane (values t, N of them not 0, P of them +1) and b those of an activation plane,

    signs       sum t (2 b - 1) = N - 2 pc           pc = popcount(m & (b ^ v)), m marking t != 0
    zeros/ones  sum t b         = P - pc

so every term is a constant of its channel plus a factor times a count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels import bitwise, bytewise
from neurobin.exec.kernels.geometry import Frame, cover
from neurobin.exec.kernels.layout import WORD_BYTES, Form, Layout, spread
from neurobin.exec.kernels.micro import PANEL
from neurobin.exec.kernels.planes import planes_of
from neurobin.exec.kernels.prepare import Operand
from neurobin.exec.kernels.region import Sums
from neurobin.exec.kernels.tiles import tile_kernel
from neurobin.ir import DType

_STEP_BYTES = 64
_LIMIT = 2**31
_KEPT_AS_BITS = 1 << 19  # weights of a layer: as bytes they would crowd the second-level cache


@dataclass(frozen=True)
class Linear:
    """What a linear op asks for: weights int64 [O, KH, KW, C/groups] of a type, and the window over its map."""

    weight: np.ndarray
    dtype: DType
    frame: Frame
    groups: int = 1
    pad_value: int = 0

    @property
    def outputs(self) -> int:
        return len(self.weight)


@dataclass(frozen=True)
class Term:
    """One product of narrow operands: micro-kernel, offsets [panels or 1, S] of its steps, packed weights [panels, ...]."""

    code: str
    offsets: np.ndarray
    weights: np.ndarray
    plane: int  # bytes from the operand's start to its plane
    block: int
    factor: int = 1


@dataclass(frozen=True)
class Product:
    """A linear layer ready to run: its operand, its terms, and what their sums mean."""

    operand: Operand
    terms: tuple[Term, ...]
    sums: Sums
    rows: int  # of a block
    uses_tiles: bool


@dataclass(frozen=True)
class Means:
    """The micro-kernels of a back end; bits are counted for up to `most_planes` pairs of planes, else bytes are cheaper."""

    tiles: bool
    bytes: tuple[bytewise.Way, ...]  # the first for unsigned rows and signed weights, the last for any
    bits: tuple[bitwise.Way, bitwise.Way]  # weights of two values, of three
    most_planes: int


MEANS = {
    "amx": Means(True, (), (bitwise.PAIRS, bitwise.WORDS), 0),
    "avx512": Means(False, (bytewise.VNNI, bytewise.MADD512), (bitwise.PAIRS, bitwise.WORDS), 3),
    "avx2": Means(False, (bytewise.MADD256,), (bitwise.NIBBLES, bitwise.NIBBLES), 2),
    "generic": Means(False, (bytewise.PLAIN,), (bitwise.PLAIN, bitwise.PLAIN), 4),
}


def prefers_bits(dtype: DType, weight: DType, means: Means) -> bool:
    """Whether popcount is the cheaper way for activations and weights of these types."""
    pairs = len(planes_of(dtype)) * len(planes_of(weight)) if dtype.bits <= 8 >= weight.bits else 0
    return 0 < pairs <= means.most_planes


def product(layer: Linear, layout: Layout, means: Means, low: int, high: int) -> Product:
    """The cheaper way, or the other one where that one cannot. Raises UnsupportedError where neither can."""
    ways = (bit_product, byte_product)
    first, second = ways if prefers_bits(layout.dtype, layer.dtype, means) else ways[::-1]
    try:
        return first(layer, layout, means, low, high)
    except UnsupportedError:
        return second(layer, layout, means, low, high)


_BLOCK = {"tiles": 64, "vnni": 60, "madd": 60, "plain": 64, "pairs": 60, "words": 60, "nibbles": 64}


def byte_product(layer: Linear, layout: Layout, means: Means, low: int, high: int) -> Product:
    """A linear layer on bytes. Raises UnsupportedError where a block of sums might leave 32 bits."""
    frame = layer.frame
    digits = _digits(layout.dtype.low, layout.dtype.high)
    weights = _split(layer.weight, layer.dtype)
    vnni = not means.tiles and len(means.bytes) > 1
    flip = vnni and len(digits) == 1 and digits[0] and len(weights) == 1 and weights[0][1]
    operand = _operand(frame, layout, bits=False, paired=False, flip=flip, digits=len(digits), room=1)
    if means.tiles and frame.is_matrix and frame.border is None and len(digits) == 1:
        operand = replace(operand, blocked=True, pixel=operand.chunk, row=operand.chunk, image=operand.chunk)
    if frame.border is not None:
        operand = replace(operand, chunk=layout.pixel, pixel=layout.pixel, row=layout.row, image=layout.image)
    offsets, pack = _byte_steps(layer, operand)
    in_bits = means.tiles and layer.groups == 1 and _all_signs(layer) and layer.weight.size >= _KEPT_AS_BITS
    bound = np.zeros(len(digits) + len(weights) - 1)
    terms: list[Term] = []
    constant = np.zeros(layer.outputs, np.int64)
    for i, a_signed in enumerate(digits):
        for j, (part, b_signed) in enumerate(weights):
            name = "tiles" if means.tiles else _way(means, a_signed and not flip, b_signed).name
            if means.tiles:
                code = tile_kernel(a_signed, b_signed, in_bits)
            else:
                code = bytewise.bytewise_kernel(
                    _way(means, a_signed and not flip, b_signed), a_signed and not flip, b_signed
                )
            largest = 255 if flip or not a_signed else 128
            bound[i + j] += largest * np.abs(part).reshape(layer.outputs, -1).sum(1).max()
            weights_packed = _signs(pack(part)) if in_bits else pack(part)
            terms.append(Term(code, offsets, weights_packed, operand.plane * i, i + j))
            if flip:
                constant -= 128 * part.reshape(layer.outputs, -1).sum(1)
    if bound.max() >= _LIMIT:
        raise UnsupportedError(f"sums of {layer.weight[0].size} products of bytes may exceed 32 bits")
    shifts = tuple(8 * k for k in range(len(bound)))
    sums = Sums(low, high, shifts, constant if flip else None)
    return Product(operand, tuple(terms), sums, _BLOCK[name], means.tiles)


def _all_signs(layer: Linear) -> bool:
    return bool((np.abs(layer.weight) == 1).all())


def _signs(tiles: np.ndarray) -> np.ndarray:
    """Weight tiles as bits, 1 for +1; behind the last step, what is spread in advance and never used."""
    panels = len(tiles)
    bits = np.packbits((tiles == 1).reshape(panels, -1), axis=1, bitorder="little")
    return np.concatenate([bits, np.zeros((panels, _STEP_BYTES * 2 * 4), np.uint8)], axis=1)


def _way(means: Means, a_signed: bool, b_signed: bool) -> bytewise.Way:
    return means.bytes[0] if b_signed and not a_signed else means.bytes[-1]


def _digits(low: int, high: int) -> tuple[bool, ...]:
    """Whether each 8-bit digit of the numbers from `low` to `high` is signed, least significant first."""
    if low >= 0:
        return (False,) * max(1, -(-high.bit_length() // 8))
    bits = max(high.bit_length(), (~low).bit_length()) + 1
    return (False,) * (-(-bits // 8) - 1) + (True,)


def _split(weight: np.ndarray, dtype: DType) -> list[tuple[np.ndarray, bool]]:
    """The 8-bit digits of weights and whether they are signed."""
    signs = _digits(int(weight.min()), int(weight.max()))
    parts, rest = [], weight
    for signed in signs[:-1]:
        parts.append((rest & 255, signed))
        rest = rest >> 8
    return [*parts, (rest, signs[-1])]


def _operand(frame: Frame, layout: Layout, *, bits: bool, paired: bool, flip: bool, digits: int, room: int) -> Operand:
    """The prepared map: `room` planes of words per phase for bits, else bytes, dense where there are fewer than a step's."""
    channels = layout.shape[2]
    if bits:
        chunk = -(-channels // 64) * WORD_BYTES * room
    else:
        chunk = digits * (channels if channels < _STEP_BYTES else -(-channels // _STEP_BYTES) * _STEP_BYTES)
    phases = frame.phases()
    pixel = spread(chunk * int(phases.max() + 1))
    row = frame.width * pixel
    image = frame.height * row
    places = np.where(phases >= 0, phases * chunk, -1)
    return Operand(bits, paired, flip, digits, frame.stride, frame.before, places, chunk, pixel, row, image, chunk // digits)


def tap_offsets(frame: Frame, operand: Operand) -> np.ndarray:
    """int64 [KH, KW]: bytes from an output's place to each tap's first channel."""
    taps = frame.taps()
    rows, columns = taps[..., 0], taps[..., 1]
    sy, sx = frame.stride
    return (rows // sy) * operand.row + (columns // sx) * operand.pixel + operand.phases[rows % sy, columns % sx]


def _panels(layer: Linear) -> list[tuple[slice, np.ndarray]]:
    """(outputs, channels they read) of each panel; without groups, one entry for all."""
    outputs, depth = layer.outputs, layer.weight.shape[3]
    if layer.groups == 1:
        return [(slice(0, outputs), np.arange(depth))]
    share = outputs // layer.groups
    made = []
    for first in range(0, outputs, PANEL):
        last = min(first + PANEL, outputs)
        made.append((slice(first, last), np.arange(first // share * depth, ((last - 1) // share + 1) * depth)))
    return made


def _full(layer: Linear, outputs: slice, channels: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Filters of a panel over all channels the panel reads: [outputs, KH, KW, channels], 0 where a group does not."""
    if layer.groups == 1:
        return part
    depth, share = layer.weight.shape[3], layer.outputs // layer.groups
    made = np.zeros((outputs.stop - outputs.start, *layer.weight.shape[1:3], len(channels)), part.dtype)
    for k in range(outputs.start, outputs.stop):
        at = k // share * depth - channels[0]
        made[k - outputs.start, :, :, at : at + depth] = part[k]
    return made


def _byte_steps(layer: Linear, operand: Operand):  # type: ignore[no-untyped-def]
    """Offsets [panels or 1, S] and the function that packs weights as [panels, S, 16 groups of four, 16 channels, 4]."""
    taps = tap_offsets(layer.frame, operand)
    plan = []
    for outputs, channels in _panels(layer):
        address = (taps[..., None] + channels).reshape(-1)
        plan.append((outputs, channels, cover(address, _STEP_BYTES)))
    steps = max(len(c.starts) for _, _, c in plan)
    offsets = np.stack(
        [_ordered(c.starts, operand)[0] if len(c.starts) == steps else _fill(c.starts, steps) for _, _, c in plan]
    )

    return offsets, pack_with(layer, operand, plan, steps)


def pack_with(layer: Linear, operand: Operand, plan, steps: int):  # type: ignore[no-untyped-def]
    def pack(part: np.ndarray) -> np.ndarray:
        made = np.zeros((-(-layer.outputs // PANEL) * PANEL, steps, _STEP_BYTES), np.int16)
        for outputs, channels, found in plan:
            order = _ordered(found.starts, operand)[1] if len(found.starts) == steps else np.arange(steps)
            filters = _full(layer, outputs, channels, part).reshape(outputs.stop - outputs.start, -1)
            made[outputs, order[found.step], found.unit] = filters
        tiles = made.reshape(-1, PANEL, steps, 16, 4).transpose(0, 2, 3, 1, 4)
        return np.ascontiguousarray(tiles).astype(np.uint8)

    return pack


def _ordered(starts: np.ndarray, operand: Operand) -> tuple[np.ndarray, np.ndarray]:
    """Steps with all taps of 64 channels after each other, so that a map's rows are read from the first-level cache:
    (starts in that order, place of each step in it)."""
    order = (
        np.lexsort((starts, starts % operand.chunk // _STEP_BYTES))
        if operand.chunk > _STEP_BYTES
        else np.arange(len(starts))
    )
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return starts[order], place


def _fill(starts: np.ndarray, steps: int) -> np.ndarray:
    """Offsets of a panel with fewer steps than the others: it repeats one with weights of 0."""
    return np.concatenate([starts, np.full(steps - len(starts), starts[0])])


def bit_product(layer: Linear, layout: Layout, means: Means, low: int, high: int) -> Product:
    """A linear layer on bit planes. Raises UnsupportedError where a type has no planes or sums may leave 32 bits."""
    frame, activation = layer.frame, planes_of(layout.dtype)
    planes = planes_of(layer.dtype)
    if not activation or not planes or max(abs(low), abs(high)) >= _LIMIT:
        raise UnsupportedError(f"no bit planes for {layout.dtype} times {layer.dtype}")
    depth = layer.weight.shape[3]
    masked = any(not p.signs for p in planes) or (
        layer.groups > 1 and (depth % 64 != 0 or layer.outputs // layer.groups % PANEL != 0)
    )
    way = means.bits[1] if masked else means.bits[0]
    paired = way is bitwise.PAIRS
    operand = _operand(frame, layout, bits=True, paired=paired, flip=False, digits=1, room=len(activation))
    offsets, pack = _word_steps(layer, operand, masked, paired)
    words = -(-layout.shape[2] // 64) * WORD_BYTES
    code = bitwise.bitwise_kernel(way, masked)
    terms: list[Term] = []
    constant = np.zeros(layer.outputs, np.int64)
    for weight_plane in planes:
        values = _plane_values(layer.weight, weight_plane)
        packed = pack(values)
        nonzero, positive = (_per_output(values != 0), _per_output(values > 0))
        for i, plane in enumerate(activation):
            scale = plane.weight * weight_plane.weight
            terms.append(Term(code, offsets, packed, words * i, 0, -2 * scale if plane.signs else -scale))
            constant += scale * (nonzero if plane.signs else positive)
    return Product(
        operand, tuple(terms), Sums(low, high, (0,), constant, _correction(layer, layout)), _BLOCK[way.name], False
    )


def _per_output(flags: np.ndarray) -> np.ndarray:
    return flags.reshape(len(flags), -1).sum(1)


def _plane_values(weight: np.ndarray, plane) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The values -1, 0, +1 that a weight plane multiplies by."""
    bits = np.vectorize(plane.holds, otypes=[bool])(weight) if plane.rule == "member" else _bits(weight, plane)
    return np.where(bits, 1, -1 if plane.signs else 0).astype(np.int8)


def _bits(weight: np.ndarray, plane) -> np.ndarray:  # type: ignore[no-untyped-def]
    if plane.rule == "positive":
        return weight > 0
    if plane.rule == "negative":
        return weight < 0
    return (((weight + plane.offset) >> plane.down) >> plane.shift) & 1 == 1


def _word_steps(layer: Linear, operand: Operand, masked: bool, paired: bool):  # type: ignore[no-untyped-def]
    """Offsets and the packing of weight planes [O, KH, KW, D] as [panels, S, 2 or 4 words, 16 channels]."""
    taps = tap_offsets(layer.frame, operand)
    plan = []
    for outputs, channels in _panels(layer):
        address = (8 * taps[..., None] + channels).reshape(-1)  # in bits
        plan.append((outputs, channels, address))
    found = [np.unique(address // 64) for _, _, address in plan]
    steps = max(map(len, found))
    offsets = np.stack([_fill(words * WORD_BYTES, steps) for words in found])

    def pack(values: np.ndarray) -> np.ndarray:
        signs = np.zeros((-(-layer.outputs // PANEL) * PANEL, steps, 64), np.uint8)
        marks = np.zeros_like(signs)
        for (outputs, channels, address), words in zip(plan, found, strict=True):
            filters = _full(layer, outputs, channels, values).reshape(outputs.stop - outputs.start, -1)
            step = np.searchsorted(words, address // 64)
            signs[outputs, step, address % 64] = filters > 0
            marks[outputs, step, address % 64] = filters != 0
        halves = _halves(signs)
        if paired:
            halves[..., 1] ^= halves[..., 0]
        both = np.concatenate([halves, _halves(marks)], axis=-1) if masked else halves
        return np.ascontiguousarray(both.reshape(-1, PANEL, steps, both.shape[-1]).transpose(0, 2, 3, 1))

    return offsets, pack


def _halves(bits: np.ndarray) -> np.ndarray:
    """uint32 [..., 2] of bits [..., 64]."""
    return np.packbits(bits, axis=-1, bitorder="little").view("<u4")


def _correction(layer: Linear, layout: Layout) -> tuple[np.ndarray, np.ndarray] | None:
    """What to add where zero padding was computed as the type's lowest value, whose bits are all 0."""
    frame = layer.frame
    if not any(frame.padding) or layout.dtype.holds(np.array([layer.pad_value])):
        return None
    classes, outside = frame.overhangs()
    if not outside.any():
        return None
    sums = layer.weight.sum(3)  # [O, KH, KW]
    table = -(layout.dtype.low - layer.pad_value) * np.einsum("okl,ckl->co", sums, outside.astype(np.int64))
    return table, classes


def pad_bytes(layer: Linear, layout: Layout, product: Product) -> np.ndarray:
    """uint8 [64 pixels]: what fills the prepared map before its pixels are copied in."""
    operand = product.operand
    if not operand.bits:
        value = layer.pad_value + (128 if operand.flip else 0)
        digits = [np.full(operand.plane, value >> (8 * d) & 255, np.uint8) for d in range(operand.digits)]
        return _tiled(np.concatenate(digits), operand)
    planes = planes_of(layout.dtype)
    channels = layout.shape[2]
    known = layout.dtype.holds(np.array([layer.pad_value]))
    words = []
    for plane in planes:
        bits = np.zeros(-(-channels // 64) * 64, np.uint8)
        bits[:channels] = known and plane.holds(layer.pad_value)
        halves = _halves(bits.reshape(-1, 64))
        if operand.paired:
            halves[..., 1] ^= halves[..., 0]
        words.append(halves.reshape(-1))
    return _tiled(np.concatenate(words).view(np.uint8), operand)


def _tiled(phase: np.ndarray, operand: Operand) -> np.ndarray:
    """A phase repeated to whole pixels and whole steps."""
    if (phase == phase[0]).all():
        return np.full(_STEP_BYTES, phase[0])
    pixel = np.zeros(operand.pixel, np.uint8)
    whole = operand.pixel // len(phase) * len(phase)
    pixel[:whole] = np.tile(phase, whole // len(phase))
    return np.tile(pixel, _STEP_BYTES)


def bordered(layer: Linear, layout: Layout, means: Means) -> Linear | None:
    """The layer on the map as it lies, where tiles can read it there: stride 1, bytes, a border wide enough. Else None."""
    frame, border = layer.frame, layout.border
    fits = border.rows >= frame.before[0] and border.columns >= frame.before[1]
    if (
        not (means.tiles and fits and frame.is_unit and layout.form in (Form.S8, Form.U8))
        or spread(layout.pixel) != layout.pixel
    ):
        return None
    return replace(layer, frame=replace(frame, border=(border.rows, border.columns)))

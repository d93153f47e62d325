"""How a tensor lies in RAM: bit planes in 32-bit words packed along the channels, or an array of 8- to 64-bit integers.

Every shape is a grid of rows, columns and channels; a vector is one pixel. A packed tensor is [plane][row][column][word]:
bit c % 32 of word c // 32 belongs to channel c, bits beyond the last channel are 0, and a ternary type has a sign and a
mask plane. With plane-major order and channels that fill whole words, flattening moves no byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.ir import DType, Encoding, TensorType

WORD_BITS = 32
WORD_BYTES = 4
PACKED_BITS = 4  # wider element types are always arrays
_ITEMS = tuple(np.dtype(code) for code in ("i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8"))


@dataclass(frozen=True)
class Layout:
    """`grid` is (rows, columns, channels). `planes` is 0 for arrays of `item`, else each pixel has `words` words a plane."""

    dtype: DType
    grid: tuple[int, int, int]
    planes: int
    item: np.dtype

    @property
    def packed(self) -> bool:
        return self.planes > 0

    @property
    def channels(self) -> int:
        return self.grid[2]

    @property
    def pixels(self) -> int:
        return self.grid[0] * self.grid[1]

    @property
    def elements(self) -> int:
        return self.pixels * self.channels

    @property
    def words(self) -> int:
        """Words per plane and pixel."""
        return words_for(self.channels)

    @property
    def total_words(self) -> int:
        """Words of all planes; of a packed tensor only."""
        return self.planes * self.pixels * self.words

    @property
    def size_bytes(self) -> int:
        return self.total_words * WORD_BYTES if self.packed else self.elements * self.item.itemsize


def words_for(channels: int) -> int:
    """32-bit words that hold one bit of each channel."""
    return -(-channels // WORD_BITS)


def plane_count(dtype: DType) -> int:
    """Stored planes: as many as bits (a ternary type has two: sign and mask)."""
    return dtype.bits


def item_for(low: int, high: int) -> np.dtype:
    """The narrowest integer array type that holds [low, high]. Raises UnsupportedError beyond signed 64 bits."""
    for item in _ITEMS:
        if np.iinfo(item).min <= low and high <= np.iinfo(item).max:
            return item
    raise UnsupportedError(f"values from {low} to {high} exceed 64-bit integers", hint="a narrower element type")


def layout_of(kind: TensorType) -> Layout:
    """Planes for narrow types where that takes no more than one byte per element, else the narrowest integer array.

    Raises UnsupportedError for real types and for values beyond signed 64 bits.
    """
    if kind.dtype.is_float:
        raise UnsupportedError(f"{kind} is real; kernels compute integers", hint="neurobin lower MODEL")
    shape = (1, 1, *kind.shape)
    grid = (prod(shape[:-2]), shape[-2], shape[-1])
    planes = plane_count(kind.dtype)
    pays = planes <= PACKED_BITS and planes * words_for(grid[2]) * WORD_BYTES <= grid[2]
    return Layout(kind.dtype, grid, planes if pays else 0, item_for(kind.dtype.low, kind.dtype.high))


def pack_words(bits: np.ndarray) -> np.ndarray:
    """0/1 array [..., C] -> uint32 words [..., ceil(C/32)], channel 0 in bit 0."""
    octets = np.packbits(bits.astype(np.uint8, copy=False), axis=-1, bitorder="little")
    padded = np.zeros((*bits.shape[:-1], words_for(bits.shape[-1]) * WORD_BYTES), dtype=np.uint8)
    padded[..., : octets.shape[-1]] = octets
    return padded.view("<u4")


def unpack_words(words: np.ndarray, channels: int) -> np.ndarray:
    """uint32 words [..., W] -> 0/1 array uint8 [..., channels]."""
    octets = np.ascontiguousarray(words, dtype="<u4").view(np.uint8)
    return np.unpackbits(octets, axis=-1, count=channels, bitorder="little")


def encode(values: np.ndarray, dtype: DType) -> np.ndarray:
    """Integers [..., C] -> uint32 planes [P, ..., W]; values outside the type wrap as bits do."""
    if dtype.encoding is Encoding.TERNARY:
        return np.stack([pack_words(values > 0), pack_words(values != 0)])
    codes = values.astype(np.int64, copy=False)
    if dtype.scales:
        order = np.argsort(dtype.table)
        codes = order[np.searchsorted(dtype.table[order], np.clip(codes, dtype.low, dtype.high))]
    elif dtype.encoding is Encoding.BIPOLAR:  # v = sum 2^k (2 b_k - 1)  <=>  code = (v + 2^bits - 1) / 2
        codes = (codes + (1 << dtype.bits) - 1) >> 1
    return np.stack([pack_words((codes >> k) & 1) for k in range(dtype.bits)])


def decode(words: np.ndarray, dtype: DType, channels: int) -> np.ndarray:
    """uint32 planes [P, ..., W] -> int64 [..., channels], the inverse of `encode`."""
    bits = unpack_words(words, channels).astype(np.int64)
    if dtype.encoding is Encoding.TERNARY:
        return (2 * bits[0] - 1) * bits[1]
    signs = 2 * bits - 1 if dtype.is_bipolar else bits
    return np.asarray(np.tensordot(np.array(dtype.plane_weights, dtype=np.int64), signs, axes=1))


def read_words(arena: np.ndarray, address: int, layout: Layout, row: int) -> np.ndarray:
    """One row of a packed tensor from the arenas [N, bytes]: uint32 [P, N, columns, W]."""
    rows, columns, _ = layout.grid
    length = columns * layout.words * WORD_BYTES
    found = []
    for plane in range(layout.planes):
        start = address + (plane * rows + row) * length
        octets = np.ascontiguousarray(arena[:, start : start + length])
        found.append(octets.view("<u4").reshape(len(arena), columns, layout.words))
    return np.stack(found)


def read_values(arena: np.ndarray, address: int, layout: Layout, row: int) -> np.ndarray:
    """One row of any tensor from the arenas [N, bytes]: int64 [N, columns, channels]."""
    _, columns, channels = layout.grid
    if layout.packed:
        return decode(read_words(arena, address, layout, row), layout.dtype, channels)
    length = columns * channels * layout.item.itemsize
    octets = np.ascontiguousarray(arena[:, address + row * length : address + (row + 1) * length])
    return octets.view(layout.item).reshape(len(arena), columns, channels).astype(np.int64)


def write_values(
    arena: np.ndarray, address: int, layout: Layout, row: int, values: np.ndarray, first_channel: int = 0
) -> None:
    """Store [N, columns, channels] as a row, or a block of a single pixel's channels from `first_channel` (a whole word)."""
    rows, columns, channels = layout.grid
    if not layout.packed:
        octets = np.ascontiguousarray(values.astype(layout.item)).view(np.uint8).reshape(len(arena), -1)
        start = address + (row * columns * channels + first_channel) * layout.item.itemsize
        arena[:, start : start + octets.shape[1]] = octets
        return
    for plane, words in enumerate(encode(values, layout.dtype)):
        octets = np.ascontiguousarray(words).view(np.uint8).reshape(len(arena), -1)
        skipped = (plane * rows + row) * columns * layout.words + first_channel // WORD_BITS
        start = address + skipped * WORD_BYTES
        arena[:, start : start + octets.shape[1]] = octets

"""`BitTensor`: integers as bit planes in 64-bit words, packed along the channel axis.

Bit `c % 64` of word `c // 64` belongs to channel `c`. Bits beyond the last channel are 0 in every plane and mask.
A mask (ternary types, or bipolar data padded with zero) marks the elements that count; where it is 0, so are the planes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.ir.dtype import DType, Encoding

WORD_BITS = 64


@dataclass(frozen=True, eq=False)
class BitTensor:
    """Packed integers: `planes` uint64 [P, ..., W], `mask` uint64 [..., W] or None, logical `shape` [..., C]."""

    planes: np.ndarray
    mask: np.ndarray | None
    shape: tuple[int, ...]
    dtype: DType

    def values(self) -> np.ndarray:
        """The integers, in the narrowest numpy type (unpack)."""
        kind = self.dtype.numpy  # holds every partial sum too: planes of one sign, then the one negative plane
        total = np.zeros(self.shape, dtype=kind)
        for plane, weight in zip(self.planes, self.dtype.plane_weights, strict=True):
            bit = unpack_bits(plane, self.shape[-1]).astype(kind)
            total += weight * (2 * bit - 1 if self.dtype.is_bipolar else bit)
        if self.mask is not None:
            total *= unpack_bits(self.mask, self.shape[-1]).astype(kind)
        return total

    def bits(self) -> BitTensor:
        return self

    @property
    def words(self) -> int:
        """64-bit words per plane and position."""
        return int(self.planes.shape[-1])


@dataclass(frozen=True, eq=False)
class IntTensor:
    """Integers that are not worth packing: a plain array in the narrowest numpy type."""

    array: np.ndarray
    dtype: DType

    def values(self) -> np.ndarray:
        return self.array

    def bits(self) -> BitTensor:
        return pack(self.array, self.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape


Packed = BitTensor | IntTensor


def pack_bits(bits: np.ndarray) -> np.ndarray:
    """0/1 array [..., C] -> uint64 words [..., ceil(C/64)], channel 0 in bit 0."""
    channels = bits.shape[-1]
    padded_bytes = -(-channels // WORD_BITS) * (WORD_BITS // 8)
    packed = np.packbits(bits.astype(np.uint8, copy=False), axis=-1, bitorder="little")
    words = np.zeros((*bits.shape[:-1], padded_bytes), dtype=np.uint8)
    words[..., : packed.shape[-1]] = packed
    return words.view("<u8").astype(np.uint64, copy=False)


def unpack_bits(words: np.ndarray, channels: int) -> np.ndarray:
    """uint64 words [..., W] -> uint8 0/1 array [..., channels]; the inverse of `pack_bits`."""
    raw = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(raw, axis=-1, count=channels, bitorder="little")


def pack(values: np.ndarray, dtype: DType) -> BitTensor:
    """Integers [..., C] -> BitTensor. Raises GraphError when a value is not a member of `dtype`."""
    values = np.asarray(values)
    if dtype.is_float or not dtype.holds(values):
        found = f"from {values.min()} to {values.max()}" if values.size and values.dtype.kind in "iubf" else ""
        raise GraphError(f"cannot pack {values.dtype} values {found} as {dtype}")
    if dtype.encoding is Encoding.TERNARY:
        return BitTensor(pack_bits(values > 0)[None], pack_bits(values != 0), values.shape, dtype)
    if dtype == DType(Encoding.BIPOLAR, 1):
        return BitTensor(pack_bits(values > 0)[None], None, values.shape, dtype)
    codes = _codes(values.astype(np.int64), dtype)
    planes = np.stack([pack_bits((codes >> k) & 1) for k in range(dtype.bits)])
    return BitTensor(planes, None, values.shape, dtype)


def _codes(values: np.ndarray, dtype: DType) -> np.ndarray:
    """The stored code of each value: bit k of the code is plane k."""
    if dtype.scales:
        order = np.argsort(dtype.table)
        return np.asarray(order[np.searchsorted(dtype.table[order], values)])
    if dtype.encoding is Encoding.BIPOLAR:  # v = sum 2^k (2 b_k - 1)  <=>  code = (v + 2^bits - 1) / 2
        return ((values - 1) >> 1) + (1 << (dtype.bits - 1))
    return values  # two's complement and unsigned codes are the bits of the number itself

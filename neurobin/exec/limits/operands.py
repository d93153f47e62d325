"""Random operands for a micro-kernel by itself, in the form that it reads, and the sums that numpy makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neurobin.exec.kernels.bytewise import GROUP
from neurobin.exec.kernels.micro import PANEL, STEP

Operands = tuple[np.ndarray, np.ndarray, np.ndarray]  # the map's places [P, bytes], packed weights, sums int64 [R, N]

_SIGNS = np.array([-1, 1])


@dataclass(frozen=True)
class Shape:
    """The rows of a product: those of a matrix of so many columns, or `taps` places of a map of so many channels."""

    name: str
    depth: int
    taps: tuple[int, ...] = (0,)

    @property
    def terms(self) -> int:
        """Products in a sum."""
        return self.depth * len(self.taps)


class Form(Protocol):
    """What a kernel's operands are."""

    def operands(self, rows: int, channels: int, shape: Shape, rng: np.random.Generator) -> Operands:
        """Those of a block of `rows` rows and `channels` channels, whole panels."""


@dataclass(frozen=True)
class ByteForm:
    """Weights -1 and +1 as bytes; rows the same, or, not `signed`, 0 to 255."""

    signed: bool = True

    def operands(self, rows: int, channels: int, shape: Shape, rng: np.random.Generator) -> Operands:
        size = (rows + max(shape.taps), shape.depth)
        places = rng.choice(_SIGNS, size) if self.signed else rng.integers(0, 256, size)
        weights = rng.choice(_SIGNS, (channels, shape.terms))
        groups = weights.reshape(-1, PANEL, shape.terms // STEP, STEP // GROUP, GROUP).transpose(0, 2, 3, 1, 4)
        packed = np.ascontiguousarray(groups).astype(np.int8).view(np.uint8)
        return places.astype(np.uint8), packed, _product(_rows(places, rows, shape), weights)


@dataclass(frozen=True)
class BitForm:
    """Bits, the words of a pair as (x1, x1 ^ x2) or as they are; the sums count those that differ, of `masked` weights those
    that a mask marks."""

    paired: bool
    masked: bool

    def operands(self, rows: int, channels: int, shape: Shape, rng: np.random.Generator) -> Operands:
        a = rng.integers(0, 2, (rows + max(shape.taps), shape.depth), np.uint8)
        w, mask = rng.integers(0, 2, (2, channels, shape.terms), np.uint8)
        if not self.masked:
            mask[:] = 1
        places, words = _words(a), _words(w)
        if self.paired:
            for halves in (places, words):
                halves[..., 1] ^= halves[..., 0]
        parts = np.concatenate([words, _words(mask)], axis=-1) if self.masked else words
        packed = np.ascontiguousarray(parts.reshape(-1, PANEL, shape.terms // STEP, parts.shape[-1]).transpose(0, 2, 3, 1))
        marked = mask.sum(1, dtype=np.int64)
        differ = (marked - _product(_SIGNS[_rows(a, rows, shape)], _SIGNS[w] * mask)) // 2
        return places.reshape(len(a), -1).view(np.uint8), packed, differ


def _rows(places: np.ndarray, rows: int, shape: Shape) -> np.ndarray:
    """[R, terms]: the rows that the taps pick from the places of a map."""
    return np.concatenate([places[tap : tap + rows] for tap in shape.taps], axis=1)


def _product(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """int64 [R, N]; double precision holds every sum here, and its products are faster than those of integers."""
    return (rows.astype(np.float64) @ weights.astype(np.float64).T).astype(np.int64)


def _words(bits: np.ndarray) -> np.ndarray:
    """uint32 [..., words / 2, 2] of rows of bits."""
    return np.packbits(bits, axis=1, bitorder="little").view("<u4").reshape(len(bits), -1, 2)

"""Linear layers on prepared maps: what an op asks for, and what runs: an operand, terms, and what their sums mean.

An integer product is a sum of terms, each a product of narrow operands that a micro-kernel computes: of bytes
(`byte_product.py`) or of bit planes (`bit_product.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels.geometry import Frame
from neurobin.exec.kernels.micro import PANEL
from neurobin.exec.kernels.prepare import Operand
from neurobin.exec.kernels.region import Sums
from neurobin.ir import DType

SUM_LIMIT = 2**31

Pack = Callable[[np.ndarray], np.ndarray]  # the values of one term -> the weights of its micro-kernel


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

    def panels(self) -> list[Panel]:
        """The panels of 16 outputs; without groups, one entry for all of them."""
        depth = self.weight.shape[3]
        if self.groups == 1:
            return [Panel(self, slice(0, self.outputs), np.arange(depth))]
        share = self.outputs // self.groups
        made = []
        for first in range(0, self.outputs, PANEL):
            last = min(first + PANEL, self.outputs)
            channels = np.arange(first // share * depth, ((last - 1) // share + 1) * depth)
            made.append(Panel(self, slice(first, last), channels))
        return made


@dataclass(frozen=True)
class Panel:
    """Outputs that share a table of steps, and the channels that they read."""

    layer: Linear
    outputs: slice
    channels: np.ndarray

    def filters(self, values: np.ndarray) -> np.ndarray:
        """Filters [O, KH, KW, D] as [outputs of the panel, KH * KW * channels], 0 where a group does not read a channel."""
        layer, count = self.layer, self.outputs.stop - self.outputs.start
        if layer.groups == 1:
            return values.reshape(count, -1)
        depth, share = layer.weight.shape[3], layer.outputs // layer.groups
        made = np.zeros((count, *layer.weight.shape[1:3], len(self.channels)), values.dtype)
        for k in range(count):
            output = self.outputs.start + k
            at = output // share * depth - self.channels[0]
            made[k, :, :, at : at + depth] = values[output]
        return made.reshape(count, -1)


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
class Blocks:
    """How sums are cut into blocks: up to `rows` rows, whole `unit`s of them where more follow, times `channels`.

    A block meets `steps` steps of the weights (None: all) at a time. `tile_rows` is the height of a tile, 0 without tiles.
    """

    rows: int
    unit: int
    channels: int = 64
    steps: int | None = None
    tile_rows: int = 0


@dataclass(frozen=True)
class Product:
    """A linear layer ready to run: its operand, its terms, and what their sums mean.

    Rows run over the `grid` of each image: its outputs, or all places of the prepared map.
    """

    operand: Operand
    pad: np.ndarray  # uint8: what fills the prepared map before its pixels are copied in, a multiple of 64 bytes
    terms: tuple[Term, ...]
    sums: Sums
    blocks: Blocks
    grid: tuple[int, int]


def padded_outputs(layer: Linear) -> int:
    return -(-layer.outputs // PANEL) * PANEL


def tap_offsets(frame: Frame, operand: Operand) -> np.ndarray:
    """int64 [KH, KW]: bytes from an output's place to each tap's first channel."""
    taps = frame.taps()
    rows, columns = taps[..., 0], taps[..., 1]
    sy, sx = frame.stride
    return (rows // sy) * operand.row + (columns // sx) * operand.pixel + operand.phases[rows % sy, columns % sx]


def filled(starts: np.ndarray, steps: int) -> np.ndarray:
    """Offsets of a panel with fewer steps than the others: it repeats one with weights of 0."""
    return np.concatenate([starts, np.full(steps - len(starts), starts[0])])


def pattern(phase: np.ndarray, operand: Operand) -> np.ndarray:
    """The padding of one phase, uint8, repeated to whole pixels and whole vectors."""
    if (phase == phase[0]).all():
        return np.full(64, phase[0])
    pixel = np.zeros(operand.pixel, np.uint8)
    whole = operand.pixel // len(phase) * len(phase)
    pixel[:whole] = np.tile(phase, whole // len(phase))
    return np.tile(pixel, 64)


def per_output(values: np.ndarray) -> np.ndarray:
    """Sums over each filter."""
    return np.asarray(values.reshape(len(values), -1).sum(1))


def iterate_digits(low: int, high: int) -> Iterator[bool]:
    """Whether each 8-bit digit of the numbers from `low` to `high` is signed, least significant first."""
    bits = high.bit_length() if low >= 0 else max(high.bit_length(), (~low).bit_length()) + 1
    count = max(1, -(-bits // 8))
    yield from (False for _ in range(count - 1))
    yield low < 0

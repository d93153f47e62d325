"""How a tensor lies in memory while a plan runs: images, rows, pixels, and narrow integers or bit planes in a pixel.

A map may have a border, so that a convolution reads its padding like any other pixel. Left and right border share their
bytes (the right border of a row is the left border of the next), and so do the borders above and below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import prod

import numpy as np

from neurobin.exec.kernels.planes import planes_of
from neurobin.ir import DType, TensorType

LANES = 16  # elements a vector step works on; a pixel has room for a multiple of them
WORD_BYTES = 8


class Form(Enum):
    """What a pixel holds: integers of a numpy type, or bit planes in 64-bit words."""

    S8, U8, S16, U16, S32, S64 = "i1", "u1", "<i2", "<u2", "<i4", "<i8"
    BITS = "bits"

    @property
    def numpy(self) -> np.dtype:
        return np.dtype(np.uint64 if self is Form.BITS else self.value)

    @property
    def signed(self) -> bool:
        return self.value not in ("u1", "<u2")


def narrowest(dtype: DType) -> Form:
    """The narrowest integers that hold every value of a type."""
    for form in (Form.S8, Form.U8, Form.S16, Form.U16, Form.S32):
        info = np.iinfo(form.numpy)
        if info.min <= dtype.low and dtype.high <= info.max:
            return form
    return Form.S64


def extent(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(height, width, channels): a vector is one pixel, and axes before the last two are rows."""
    if len(shape) == 1:
        return 1, 1, shape[0]
    return prod(shape[:-2]), shape[-2], shape[-1]


@dataclass(frozen=True)
class Border:
    """Rows before each image and columns before each row; those behind are the next image's and the next row's."""

    rows: int = 0
    columns: int = 0


@dataclass(frozen=True)
class Layout:
    """Bytes between pixels, rows and images, and from an image's start to its pixel (0, 0)."""

    form: Form
    shape: tuple[int, int, int]
    dtype: DType
    pixel: int
    row: int
    image: int
    border: Border = Border()

    @property
    def origin(self) -> int:
        return self.border.rows * self.row + self.border.columns * self.pixel

    @property
    def is_gapless(self) -> bool:
        """A row's first pixel follows the last one of the row before."""
        return self.row == self.shape[1] * self.pixel

    @property
    def is_dense(self) -> bool:
        """An image's elements follow each other from its start on, without gaps or a border."""
        return self.border == Border() and self.pixel == self.shape[2] * self.form.numpy.itemsize and self.is_gapless

    def size(self, images: int) -> int:
        """Bytes of so many images, their last border included."""
        return images * self.image + self.origin


def dense(kind: TensorType, form: Form | None = None) -> Layout:
    """Elements without gaps, for maps of a few channels; behind each image there is room to its last whole vector."""
    height, width, channels = extent(kind.shape)
    chosen = form or narrowest(kind.dtype)
    size = chosen.numpy.itemsize
    made = _layout(kind.dtype, (height, width, channels), chosen, channels * size, Border())
    return replace(made, image=-(-made.image // (LANES * size)) * LANES * size)


def aligned(kind: TensorType, border: Border = Border()) -> Layout:
    """Integers, with room for a whole number of vectors in every pixel."""
    height, width, channels = extent(kind.shape)
    form = narrowest(kind.dtype)
    return _layout(
        kind.dtype, (height, width, channels), form, spread(-(-channels // LANES) * LANES * form.numpy.itemsize), border
    )


def bits(kind: TensorType) -> Layout:
    """Bit planes: the words of a pixel's first plane, then of the next."""
    height, width, channels = extent(kind.shape)
    pixel = plane_bytes(channels) * len(planes_of(kind.dtype))
    return _layout(kind.dtype, (height, width, channels), Form.BITS, pixel, Border())


def plane_bytes(channels: int) -> int:
    """Bytes of a pixel's plane: whole words."""
    return -(-channels // (8 * WORD_BYTES)) * WORD_BYTES


def spread(pixel: int) -> int:
    """Bytes from a pixel to the next: multiples of 256 would put neighbours into the same few sets of the cache."""
    return pixel + 64 if pixel % 256 == 0 else pixel


def _layout(dtype: DType, shape: tuple[int, int, int], form: Form, pixel: int, border: Border) -> Layout:
    row = (shape[1] + border.columns) * pixel
    return Layout(form, shape, dtype, pixel, row, (shape[0] + border.rows) * row, border)

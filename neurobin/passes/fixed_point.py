"""Fixed-point numbers: a real tensor as integers with scale and offset, real weights as integers, rescaling by shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.ir import Constant, DType, int_for
from neurobin.ir.dtype import i
from neurobin.ops.requantise import Requantise

MULTIPLIER_BITS = 24  # error of a product below 2^-8 of the last place of a 16-bit map


@dataclass(frozen=True, eq=False)
class Fixed:
    """A real tensor as integers: real = scale * tensor + offset, scale and offset float64 [C] or [1]."""

    tensor: str
    scale: np.ndarray
    offset: np.ndarray

    @property
    def uniform(self) -> bool:
        """One positive scale and no offset: the integers are proportional to the real values."""
        return bool((self.scale == self.scale[0]).all() and self.scale[0] > 0 and not self.offset.any())


def exact(tensor: str) -> Fixed:
    """A tensor whose integers are the real values."""
    return Fixed(tensor, np.ones(1), np.zeros(1))


def requantise(fixed: Fixed, scale: float, dtype: DType, source: DType) -> Requantise:
    """round(real / scale) as multiplier, bias and shift: m = scale_c / scale * 2^shift with at most 24 bits."""
    factor, offset = fixed.scale / scale, fixed.offset / scale
    largest = float(np.abs(factor).max()) or 1.0
    reach = int(max(-source.low, source.high)).bit_length()
    bits = min(MULTIPLIER_BITS, 61 - reach)
    room = 60 - int(np.ceil(np.log2(np.abs(offset).max() + 1.0)))  # so that the bias leaves the sum within 62 bits
    shift = int(np.clip(bits - np.floor(np.log2(largest)) - 1, 0, room))
    multiplier = np.rint(factor * 2.0**shift).astype(np.int64)
    bias = np.rint(offset * 2.0**shift).astype(np.int64)
    return Requantise(integers(multiplier), integers(bias), shift, dtype)


def quantize_weight(weight: Constant, bits: int) -> tuple[Constant, np.ndarray]:
    """Symmetric integer weights of `bits` bits, and the float64 scale [O] of each filter; coded weights stay."""
    if not weight.dtype.is_float:
        return weight, np.ones(1)
    top = (1 << (bits - 1)) - 1
    widest = np.abs(weight.values).reshape(len(weight.values), -1).max(1)
    scale = np.where(widest > 0, widest, 1.0) / top
    codes = np.rint(weight.values / scale.reshape(-1, *[1] * (weight.values.ndim - 1))).astype(np.int64)
    return Constant(i(bits), codes), scale


def integers(values: np.ndarray) -> Constant:
    """Whole numbers as a constant of the narrowest two's complement type."""
    return Constant(int_for(int(values.min()), int(values.max())), values)

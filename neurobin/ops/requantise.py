"""Requantise: fixed-point rescaling of integers, the deployed form of every real per-channel affine map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Elementwise, Lane, Lanes
from neurobin.ir import Constant, DType, Op, TensorType, Work, per_channel, tally
from neurobin.ops._broadcast import check_range


def largest(values: np.ndarray) -> int:
    """The largest magnitude, as a Python integer (|-2^63| does not fit numpy's)."""
    return max(-int(values.min()), int(values.max()))


@dataclass(frozen=True)
class Requantise(Op):
    """y = clip(floor((x * multiplier + bias + half) / 2^shift)) to `dtype`, half = 2^(shift-1): rounds half up.

    All arithmetic is 64-bit and proven not to overflow by `infer` from the input's range.
    """

    elementwise: ClassVar[bool] = True

    multiplier: Constant  # [C or 1]
    bias: Constant  # [C or 1], at the scale of the product
    shift: int
    dtype: DType

    def infer(self, x: TensorType) -> TensorType:
        if x.dtype.is_float or self.multiplier.dtype.is_float or self.bias.dtype.is_float:
            raise GraphError(f"expected integers, got {x.dtype} * {self.multiplier.dtype} + {self.bias.dtype}")
        check_range(self.dtype)
        if not 0 <= self.shift < 63:
            raise GraphError(f"shift must lie in 0..62, got {self.shift}")
        multiplier = largest(per_channel(self.multiplier, x.channels, "multiplier"))
        bias = largest(per_channel(self.bias, x.channels, "bias"))
        if multiplier * max(-x.dtype.low, x.dtype.high) + bias + (1 << self.shift) >= 1 << 63:
            raise GraphError("the product may exceed 64 bits", hint="a smaller multiplier and shift")
        return TensorType(x.shape, self.dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        half = (1 << self.shift) >> 1
        product = x * self.multiplier.values.astype(np.int64) + self.bias.values.astype(np.int64) + half
        return np.clip(product >> self.shift, self.dtype.low, self.dtype.high)

    def native(self, x: TensorType) -> Elementwise:
        return Elementwise(self._lanes)

    def _lanes(self, at: Lanes, x: Lane) -> Lane:
        bias = self.bias.values.astype(np.int64) + ((1 << self.shift) >> 1)
        scaled = at.rescaled(x, self.multiplier.values.astype(np.int64), bias, self.shift)
        return scaled.clip(self.dtype.low, self.dtype.high)

    def work(self, x: TensorType) -> Work:
        return tally("requantise", x.size, (x,), self.infer(x), self.constants())

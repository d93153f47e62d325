"""Element-wise product: gates (1, 1, C) and spatial scale maps (H, W, 1) times a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Elementwise, Lane, Lanes
from neurobin.ir import FLOAT32, DType, Op, TensorType, Work, int_for, tally
from neurobin.ops._broadcast import broadcast, check_range


@dataclass(frozen=True)
class Multiply(Op):
    """Integers: clip(floor((a * b + half) / 2^shift)) to `dtype` when one is given, else the exact product shifted."""

    elementwise: ClassVar[bool] = True

    shift: int = 0
    dtype: DType | None = None

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        shape = broadcast(a, b)
        if a.dtype.is_float or b.dtype.is_float:
            if self.shift or self.dtype is not None:
                raise GraphError("real products are neither shifted nor saturated", hint="requantise after lowering")
            return TensorType(shape, FLOAT32)
        corners = [x * y for x in (a.dtype.low, a.dtype.high) for y in (b.dtype.low, b.dtype.high)]
        if not 0 <= self.shift < 63 or max(map(abs, corners)) + (1 << self.shift) >= 1 << 63:
            raise GraphError(f"the product may exceed 64 bits, or shift {self.shift} is outside 0..62")
        check_range(self.dtype)
        half = (1 << self.shift) >> 1
        exact = int_for((min(corners) + half) >> self.shift, (max(corners) + half) >> self.shift)
        return TensorType(shape, self.dtype or exact)

    def reference(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product = a * b
        if np.issubdtype(product.dtype, np.floating):
            return product
        product = (product + ((1 << self.shift) >> 1)) >> self.shift
        return product if self.dtype is None else np.clip(product, self.dtype.low, self.dtype.high)

    def native(self, a: TensorType, b: TensorType) -> Elementwise:
        return Elementwise(self._lanes)

    def _lanes(self, at: Lanes, a: Lane, b: Lane) -> Lane:
        product = at.shifted(a * b + ((1 << self.shift) >> 1), self.shift)
        return product if self.dtype is None else product.clip(self.dtype.low, self.dtype.high)

    def work(self, a: TensorType, b: TensorType) -> Work:
        result = self.infer(a, b)
        return tally("multiply", result.size, (a, b), result)

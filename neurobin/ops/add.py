"""Element-wise sum of two tensors of one scale: the shortcut of residual networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Elementwise, Lane, Lanes
from neurobin.ir import FLOAT32, DType, Op, TensorType, Work, int_for, tally
from neurobin.ops._broadcast import broadcast, check_range


@dataclass(frozen=True)
class Add(Op):
    """Integers: exact, or saturated to `dtype` when one is given. Axes of size 1 broadcast."""

    elementwise: ClassVar[bool] = True

    dtype: DType | None = None

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        shape = broadcast(a, b)
        if a.dtype.is_float or b.dtype.is_float:
            if self.dtype is not None:
                raise GraphError(f"real sums are not saturated to {self.dtype}", hint="requantise after lowering")
            return TensorType(shape, FLOAT32)
        exact = int_for(a.dtype.low + b.dtype.low, a.dtype.high + b.dtype.high)
        check_range(self.dtype)
        return TensorType(shape, self.dtype or exact)

    def reference(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a + b if self.dtype is None else np.clip(a + b, self.dtype.low, self.dtype.high)

    def native(self, a: TensorType, b: TensorType) -> Elementwise:
        return Elementwise(self._lanes)

    def _lanes(self, at: Lanes, a: Lane, b: Lane) -> Lane:
        return a + b if self.dtype is None else (a + b).clip(self.dtype.low, self.dtype.high)

    def work(self, a: TensorType, b: TensorType) -> Work:
        result = self.infer(a, b)
        return tally("add", result.size, (a, b), result)

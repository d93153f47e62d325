"""Clip real values to [low, high]; hardtanh is clip(-1, 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.ir import Op, TensorType, Work, tally


@dataclass(frozen=True)
class Clip(Op):
    """Real values -> real values."""

    elementwise: ClassVar[bool] = True

    low: float
    high: float

    def infer(self, x: TensorType) -> TensorType:
        if not self.low <= self.high:
            raise GraphError(f"expected low <= high, got {self.low} and {self.high}")
        if not x.dtype.is_float:
            raise GraphError(f"clip works on real values, got {x.dtype}")
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x, self.low, self.high)

    def work(self, x: TensorType) -> Work:
        return tally("compare", 2 * x.size, (x,), self.infer(x))

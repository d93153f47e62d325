"""Clip real values to [low, high]; hardtanh is clip(-1, 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.ir import FLOAT32, Op, TensorType, Work, tally


@dataclass(frozen=True)
class Clip(Op):
    """Any type -> real values."""

    elementwise: ClassVar[bool] = True

    low: float
    high: float

    def infer(self, x: TensorType) -> TensorType:
        if not self.low <= self.high:
            raise GraphError(f"expected low <= high, got {self.low} and {self.high}")
        return TensorType(x.shape, FLOAT32)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x.astype(np.float64), self.low, self.high)

    def work(self, x: TensorType) -> Work:
        return tally("compare", 2 * x.size, (x,), self.infer(x))

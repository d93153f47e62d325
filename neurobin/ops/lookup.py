"""Look-up table: y = table[x - low], any function of a narrow integer; the deployed form of a real non-linearity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Elementwise
from neurobin.ir import Constant, Op, TensorType, Work, tally


@dataclass(frozen=True)
class Lookup(Op):
    """Integers in [low, low + K) -> the integers of the table, one row for all channels or one row each."""

    elementwise: ClassVar[bool] = True

    table: Constant  # [C or 1, K]
    low: int

    def infer(self, x: TensorType) -> TensorType:
        if self.table.values.ndim != 2 or self.table.shape[0] not in (1, x.channels):
            raise GraphError(f"the table has shape {self.table.shape}, expected [{x.channels} or 1, K]")
        if x.dtype.is_float or self.table.dtype.is_float:
            raise GraphError(f"expected integers, got a table of {self.table.dtype} for {x.dtype}")
        last = self.low + self.table.shape[1] - 1
        if x.dtype.low < self.low or x.dtype.high > last:
            raise GraphError(f"the table has entries for {self.low} to {last}, {x.dtype} is wider")
        return TensorType(x.shape, self.table.dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        row = np.arange(self.table.shape[0])  # [1] or [C], against channels last
        return self.table.values[row, x - self.low].astype(np.int64)

    def native(self, x: TensorType) -> Elementwise:
        return Elementwise(lambda at, value: at.lookup(self.table.values, value - self.low))

    def work(self, x: TensorType) -> Work:
        return tally("lookup", x.size, (x,), self.infer(x), self.constants())

"""Multi-threshold: the code of an integer or real value is how many thresholds of its channel it has reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Elementwise, Lane, Lanes
from neurobin.ir import BINARY, Constant, DType, Encoding, Op, Packed, TensorType, Work, per_channel, tally, to_packed


@dataclass(frozen=True)
class MultiThreshold(Op):
    """y = level[n] with n = #{l : x >= t_l}, or level[L - n] in channels marked descending; L + 1 levels of `dtype`.

    Batch norm before a quantizer folds into the thresholds; gamma < 0 makes a channel descending. Ties are `>=`.
    """

    elementwise: ClassVar[bool] = True

    thresholds: Constant  # [C or 1, L], ascending in each row
    dtype: DType
    descending: Constant = Constant(BINARY, np.zeros(1, np.int8))  # [C or 1]

    @property
    def levels(self) -> np.ndarray:
        """int64 [L + 1]: the lowest values of `dtype` in ascending order."""
        count = self.thresholds.shape[1] + 1
        if self.dtype.scales:
            return np.sort(self.dtype.table)[:count]
        step = 2 if self.dtype.encoding is Encoding.BIPOLAR else 1
        return self.dtype.low + step * np.arange(count)

    def infer(self, x: TensorType) -> TensorType:
        if self.thresholds.values.ndim != 2 or self.thresholds.shape[0] not in (1, x.channels):
            raise GraphError(f"thresholds have shape {self.thresholds.shape}, expected [{x.channels} or 1, L]")
        per_channel(self.descending, x.channels, "descending")
        if (self.thresholds.values[:, 1:] < self.thresholds.values[:, :-1]).any():
            raise GraphError("thresholds must ascend in every channel")
        if self.thresholds.dtype.is_float and not x.dtype.is_float:
            raise GraphError("integers need integer thresholds", hint="round them up: x >= t holds where x >= ceil(t)")
        if self.dtype.is_float or self.thresholds.shape[1] + 1 > self.dtype.count:
            raise GraphError(f"{self.thresholds.shape[1]} thresholds need more levels than {self.dtype} has")
        return TensorType(x.shape, self.dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        count = (x[..., None] >= self.thresholds.values).sum(axis=-1)
        down = self.descending.values.astype(bool)
        return self.levels[np.where(down, self.thresholds.shape[1] - count, count)]

    def packed(self, x: Packed) -> Packed:
        values = x.values()
        count = np.zeros(values.shape, dtype=np.int8 if self.thresholds.shape[1] < 128 else np.int32)
        for level in self.thresholds.values.T:  # one comparison map per threshold: no [.., C, L] array
            count += values >= level
        down = self.descending.values.astype(bool)
        if down.any():
            count = np.where(down, self.thresholds.shape[1] - count, count)
        return to_packed(self.levels[count], self.dtype)

    def native(self, x: TensorType) -> Elementwise:
        return Elementwise(self._lanes)

    def _lanes(self, at: Lanes, x: Lane) -> Lane:
        """y = first + sum over l of jump[l] where x >= t_l; a descending channel starts at the top and jumps down."""
        levels, count = self.levels, self.thresholds.shape[1]
        down = self.descending.values.astype(bool)
        first, jumps = np.where(down, levels[count], levels[0]), np.diff(levels)
        total = at.channel(first)
        for step in range(count):
            reached = x.at_least(at.channel(self.thresholds.values[:, step]))
            jump = np.where(down, -jumps[count - 1 - step], jumps[step])
            if count == 1:
                return reached.choose(at.channel(first + jump), total)
            total = total + reached.choose(at.channel(jump), at.number(0))
        return total.within(int(levels[0]), int(levels[count]))

    def work(self, x: TensorType) -> Work:
        return tally("compare", x.size * self.thresholds.shape[1], (x,), self.infer(x), self.constants())

"""Parametric rectifier: y = x where x >= 0, else slope * x; on integers the slope is a fixed-point number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Elementwise, Lane, Lanes
from neurobin.ir import Constant, Op, TensorType, Work, int_for, per_channel, tally


@dataclass(frozen=True)
class Prelu(Op):
    """Real: slope * x. Integer: floor((slope * x + half) / 2^shift) with half = 2^(shift-1), exact in 64 bits."""

    elementwise: ClassVar[bool] = True

    slope: Constant  # [C or 1]
    shift: int = 0

    def infer(self, x: TensorType) -> TensorType:
        slope = per_channel(self.slope, x.channels, "slope")
        if x.dtype.is_float:
            return x
        if self.slope.dtype.is_float or not 0 <= self.shift < 63:
            raise GraphError(f"integers need an integer slope and a shift in 0..62, got {self.slope.dtype}, {self.shift}")
        ends = [int(s) * x.dtype.low for s in (slope.min(), slope.max())]
        if max(map(abs, ends)) + (1 << self.shift) >= 1 << 63:
            raise GraphError("the product may exceed 64 bits", hint="a smaller slope and shift")
        half = (1 << self.shift) >> 1
        scaled = [(end + half) >> self.shift for end in ends]
        return TensorType(x.shape, int_for(min(0, *scaled), max(x.dtype.high, *scaled)))

    def reference(self, x: np.ndarray) -> np.ndarray:
        slope = self.slope.values
        if np.issubdtype(x.dtype, np.floating):
            return np.where(x >= 0, x, x * slope)
        half = (1 << self.shift) >> 1
        return np.where(x >= 0, x, (x * slope.astype(np.int64) + half) >> self.shift)

    def native(self, x: TensorType) -> Elementwise:
        return Elementwise(self._lanes)

    def _lanes(self, at: Lanes, x: Lane) -> Lane:
        half = (1 << self.shift) >> 1
        below = at.shifted(x.minimum(0) * at.channel(self.slope.values) + half, self.shift)
        return x.at_least(0).choose(x.maximum(0), below)

    def work(self, x: TensorType) -> Work:
        return tally("prelu", x.size, (x,), self.infer(x), self.constants())

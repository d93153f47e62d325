"""Sum over windows of integers, exact: the deployed form of average pooling (the divisor moves into the next scale)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels import Pool
from neurobin.ir import FLOAT32, Op, TensorType, Work, int_for, tally
from neurobin.ops._window import Window


@dataclass(frozen=True)
class SumPool2d(Op):
    """[H, W, C] -> [OH, OW, C]; zero padding adds nothing."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, self.padding, (1, 1))

    def infer(self, x: TensorType) -> TensorType:
        shape = (*self.window.output(x.shape), x.channels)
        if x.dtype.is_float:
            return TensorType(shape, FLOAT32)
        taps = self.window.taps
        return TensorType(shape, int_for(taps * min(x.dtype.low, 0), taps * max(x.dtype.high, 0)))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return self.window.patches(x, 0).sum(axis=(3, 4))

    def native(self, x: TensorType) -> Pool:
        return Pool("sum", self.kernel, self.stride, self.padding, (1, 1))

    def work(self, x: TensorType) -> Work:
        result = self.infer(x)
        return tally("add", result.size * (self.window.taps - 1), (x,), result)

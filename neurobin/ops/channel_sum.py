"""Sum over the channels: [H, W, C] -> [H, W, 1]; the first half of XNOR-Net's input scale map K."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels import ChannelTotal
from neurobin.ir import FLOAT32, Op, TensorType, Work, int_for, tally


@dataclass(frozen=True)
class ChannelSum(Op):
    """Exact on integers."""

    def infer(self, x: TensorType) -> TensorType:
        shape = (*x.shape[:-1], 1)
        if x.dtype.is_float:
            return TensorType(shape, FLOAT32)
        return TensorType(shape, int_for(x.channels * min(x.dtype.low, 0), x.channels * max(x.dtype.high, 0)))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return x.sum(axis=-1, keepdims=True)

    def native(self, x: TensorType) -> ChannelTotal:
        return ChannelTotal()

    def work(self, x: TensorType) -> Work:
        result = self.infer(x)
        return tally("add", x.size - result.size, (x,), result)

"""Rectifier: y = max(x, 0), on integers or real values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.exec.kernels import Elementwise
from neurobin.ir import DType, Encoding, Op, TensorType, Work, tally


@dataclass(frozen=True)
class Relu(Op):
    """Types with negative values become unsigned of as many bits as their largest value needs; other types stay."""

    elementwise: ClassVar[bool] = True

    def infer(self, x: TensorType) -> TensorType:
        if x.dtype.is_float or x.dtype.encoding is Encoding.UNSIGNED:
            return x
        return TensorType(x.shape, DType(Encoding.UNSIGNED, max(x.dtype.high.bit_length(), 1)))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    def native(self, x: TensorType) -> Elementwise:
        return Elementwise(lambda at, value: value.maximum(0))

    def work(self, x: TensorType) -> Work:
        return tally("compare", x.size, (x,), self.infer(x))

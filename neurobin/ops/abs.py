"""Absolute value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.exec.kernels import Elementwise
from neurobin.ir import DType, Encoding, Op, TensorType, Work, tally


@dataclass(frozen=True)
class Abs(Op):
    """Signed integers of k bits become unsigned of k bits (|-2^(k-1)| fits)."""

    elementwise: ClassVar[bool] = True

    def infer(self, x: TensorType) -> TensorType:
        if x.dtype.is_float or x.dtype.encoding is Encoding.UNSIGNED:
            return x
        return TensorType(x.shape, DType(Encoding.UNSIGNED, max(-x.dtype.low, x.dtype.high).bit_length()))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.abs(x)

    def native(self, x: TensorType) -> Elementwise:
        return Elementwise(lambda at, value: value.maximum(value * -1))

    def work(self, x: TensorType) -> Work:
        return tally("add", x.size, (x,), self.infer(x))

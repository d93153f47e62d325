"""Rectifier: y = max(x, 0), on integers or real values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.ir import DType, Encoding, Op, TensorType, Work, tally


@dataclass(frozen=True)
class Relu(Op):
    """Signed integers lose their sign bit; other types stay."""

    elementwise: ClassVar[bool] = True

    def infer(self, x: TensorType) -> TensorType:
        if x.dtype.encoding is Encoding.SIGNED and x.dtype.bits > 1:
            return TensorType(x.shape, DType(Encoding.UNSIGNED, x.dtype.bits - 1))
        return TensorType(x.shape, DType(Encoding.UNSIGNED, 1)) if x.dtype.is_bipolar and x.dtype.high == 1 else x

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    def work(self, x: TensorType) -> Work:
        return tally("compare", x.size, (x,), self.infer(x))

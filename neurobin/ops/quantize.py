"""Uniform k-bit activation quantizer (DoReFa-Net, eq. 5 of arXiv 1606.06160): code = round((2^k - 1) clip(x, 0, 1))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.ir import DType, Encoding, Op, TensorType, Work, tally

MAX_BITS = 32  # 2^bits - 1 times a share of 1 is exact enough in float64


@dataclass(frozen=True)
class Quantize(Op):
    """Real values -> codes 0 ... 2^bits - 1, worth code / (2^bits - 1). Rounds half to even, as the frameworks do."""

    elementwise: ClassVar[bool] = True

    bits: int

    def infer(self, x: TensorType) -> TensorType:
        if not 1 <= self.bits <= MAX_BITS:
            raise GraphError(f"expected 1 to {MAX_BITS} bits, got {self.bits}")
        return TensorType(x.shape, DType(Encoding.UNSIGNED, self.bits))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.rint(np.clip(x, 0.0, 1.0) * (2**self.bits - 1)).astype(np.int64)

    def work(self, x: TensorType) -> Work:
        return tally("compare", x.size * (2**self.bits - 1), (x,), self.infer(x))

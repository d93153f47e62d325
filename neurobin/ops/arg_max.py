"""Index of the largest element; the first one wins a tie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import LargestChannel
from neurobin.ir import DType, Encoding, Op, TensorType, Work, tally


@dataclass(frozen=True)
class ArgMax(Op):
    """[F] -> [1]."""

    def infer(self, x: TensorType) -> TensorType:
        if len(x.shape) != 1:
            raise GraphError(f"expected a vector (F,), got shape {x.shape}")
        return TensorType((1,), DType(Encoding.UNSIGNED, max((x.size - 1).bit_length(), 1)))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return x.argmax(axis=-1, keepdims=True)

    def native(self, x: TensorType) -> LargestChannel:
        return LargestChannel()

    def work(self, x: TensorType) -> Work:
        return tally("compare", x.size - 1, (x,), self.infer(x))

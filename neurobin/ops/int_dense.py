"""Integer matrix product of wider operands (first and last layers): y = W x, exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import int_matmul
from neurobin.ir import Constant, IntTensor, Op, Packed, TensorType, Work
from neurobin.ops._linear import accumulator, mac_work, magnitude, require_integers


@dataclass(frozen=True)
class IntDense(Op):
    """[F] integers -> [O] exact sums."""

    weight: Constant  # [O, F]

    def infer(self, x: TensorType) -> TensorType:
        require_integers(x, self.weight)
        if self.weight.values.ndim != 2 or x.shape != self.weight.shape[1:]:
            raise GraphError(f"weight has shape {self.weight.shape}, the input {x.shape}; expected [O, F] and (F,)")
        return TensorType(self.weight.shape[:1], accumulator(x.dtype, self.weight.values))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x @ self.weight.values.astype(np.int64).T)

    def packed(self, x: Packed) -> Packed:
        out = accumulator(x.dtype, self.weight.values)
        sums = int_matmul(x.values(), self.weight.values.T, magnitude(x.dtype, self.weight.values))
        return IntTensor(sums.astype(out.numpy), out)

    def work(self, x: TensorType) -> Work:
        return mac_work(x, self.infer(x), self.weight)

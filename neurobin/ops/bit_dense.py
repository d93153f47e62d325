"""Bit matrix product: y = sum over plane pairs of 2^m 2^n popdot(W_m, A_n)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import popdot
from neurobin.ir import Constant, IntTensor, Op, Packed, TensorType, Work, pack
from neurobin.ops._linear import accumulator, mac_work, require_integers


@dataclass(frozen=True)
class BitDense(Op):
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
        sums = popdot(x.bits(), pack(self.weight.values, self.weight.dtype), self.weight.shape[1])
        return IntTensor(sums.astype(out.numpy), out)

    def work(self, x: TensorType) -> Work:
        return mac_work(x, self.infer(x), self.weight)

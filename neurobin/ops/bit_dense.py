"""Bit matrix product: y = sum over plane pairs of 2^m 2^n popdot(W_m, A_n)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.exec.kernels import Linear, popdot
from neurobin.ir import Constant, IntTensor, Op, Packed, TensorType, Work, pack
from neurobin.ops._linear import accumulator, as_matrix, check_matrix, exact_product, mac_work, require_integers


@dataclass(frozen=True)
class BitDense(Op):
    """[F] integers -> [O] exact sums."""

    linear: ClassVar[bool] = True
    weight: Constant  # [O, F]

    def infer(self, x: TensorType) -> TensorType:
        require_integers(x, self.weight)
        check_matrix(x, self.weight)
        return TensorType(self.weight.shape[:1], accumulator(x.dtype, self.weight.values))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return exact_product(x, self.weight.values.astype(np.int64).T)

    def packed(self, x: Packed) -> Packed:
        out = accumulator(x.dtype, self.weight.values)
        sums = popdot(x.bits(), pack(self.weight.values, self.weight.dtype), self.weight.shape[1])
        return IntTensor(sums.astype(out.numpy), out)

    def native(self, x: TensorType) -> Linear:
        return as_matrix(self.weight)

    def work(self, x: TensorType) -> Work:
        return mac_work(x, self.infer(x), self.weight)

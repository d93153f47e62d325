"""Matrix product as trained: quantized or real weights with a scale per output. Lowered to bits or integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.ir import FLOAT32, FLOAT64, Constant, Op, TensorType, Work, per_channel
from neurobin.ops._linear import check_matrix, mac_work


@dataclass(frozen=True)
class Dense(Op):
    """[F] -> real [O]: y_o = scale_o * sum(weight_o * x). Integer weights are the codes of a weight quantizer."""

    linear: ClassVar[bool] = True
    weight: Constant  # [O, F]
    scale: Constant = Constant(FLOAT64, np.ones(1))  # [O or 1]

    def infer(self, x: TensorType) -> TensorType:
        check_matrix(x, self.weight)
        per_channel(self.scale, self.weight.shape[0], "scale")
        return TensorType(self.weight.shape[:1], FLOAT32)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x.astype(np.float64) @ self.weight.values.astype(np.float64).T * self.scale.values)

    def work(self, x: TensorType) -> Work:
        return mac_work(x, self.infer(x), self.weight, scale=self.scale)

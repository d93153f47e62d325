"""Logistic function of real values: y = 1 / (1 + exp(-x)). Deployed as `lookup`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.ir import FLOAT32, Op, TensorType, Work, tally


@dataclass(frozen=True)
class Sigmoid(Op):
    """Any type -> real values in [0, 1]."""

    elementwise: ClassVar[bool] = True

    def infer(self, x: TensorType) -> TensorType:
        return TensorType(x.shape, FLOAT32)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), dtype=np.float64)  # the same function, without overflow

    def work(self, x: TensorType) -> Work:
        return tally("sigmoid", x.size, (x,), self.infer(x))

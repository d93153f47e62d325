"""Affine map of real values, per channel: y = scale * x + bias. Deployed as `requantise`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.ir import FLOAT32, FLOAT64, Constant, Op, TensorType, Work, per_channel, tally


@dataclass(frozen=True)
class Affine(Op):
    """Any type -> real values."""

    elementwise: ClassVar[bool] = True

    scale: Constant = Constant(FLOAT64, np.ones(1))  # [C or 1]
    bias: Constant = Constant(FLOAT64, np.zeros(1))  # [C or 1]

    def infer(self, x: TensorType) -> TensorType:
        per_channel(self.scale, x.channels, "scale")
        per_channel(self.bias, x.channels, "bias")
        return TensorType(x.shape, FLOAT32)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x * self.scale.values + self.bias.values, dtype=np.float64)

    def work(self, x: TensorType) -> Work:
        return tally("affine", x.size, (x,), self.infer(x), self.constants())

"""Shifted sign: +1 where x >= threshold, else -1 (so sign(0) = +1). The learned threshold is ReActNet's RSign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.ir import BIPOLAR, FLOAT64, Constant, Op, TensorType, Work, per_channel, tally


@dataclass(frozen=True)
class Sign(Op):
    """Any type -> bipolar; becomes a `multi_threshold` when lowered."""

    elementwise: ClassVar[bool] = True

    threshold: Constant = Constant(FLOAT64, np.zeros(1))  # [C or 1]

    def infer(self, x: TensorType) -> TensorType:
        per_channel(self.threshold, x.channels, "threshold")
        return TensorType(x.shape, BIPOLAR)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.where(x >= self.threshold.values, 1, -1).astype(np.int64)

    def work(self, x: TensorType) -> Work:
        return tally("compare", x.size, (x,), self.infer(x), self.constants())

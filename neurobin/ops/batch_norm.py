"""Batch normalisation at inference: y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.ir import FLOAT32, Constant, Op, TensorType, Work, per_channel, tally


@dataclass(frozen=True)
class BatchNorm(Op):
    """Running statistics, as trained; folded to `affine` before lowering. One value stands for a gamma or beta that was not
    learned."""

    elementwise: ClassVar[bool] = True

    gamma: Constant  # [C or 1]
    beta: Constant  # [C or 1]
    mean: Constant  # [C]
    variance: Constant  # [C]
    epsilon: float = 1e-5

    def infer(self, x: TensorType) -> TensorType:
        for name in ("gamma", "beta", "mean", "variance"):
            per_channel(getattr(self, name), x.channels, name)
        if (self.variance.values + self.epsilon <= 0).any():
            raise GraphError("variance + epsilon must be positive", hint="the running statistics are damaged")
        return TensorType(x.shape, FLOAT32)

    @property
    def scale(self) -> np.ndarray:
        """float64 [C]: gamma / sqrt(variance + epsilon)."""
        return np.asarray(self.gamma.values / np.sqrt(self.variance.values + self.epsilon))

    @property
    def bias(self) -> np.ndarray:
        """float64 [C]: beta - mean * scale."""
        return np.asarray(self.beta.values - self.mean.values * self.scale)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x * self.scale + self.bias)

    def work(self, x: TensorType) -> Work:
        return tally("affine", x.size, (x,), self.infer(x), self.constants())

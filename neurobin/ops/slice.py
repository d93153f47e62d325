"""A contiguous range of channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Moves
from neurobin.ir import Op, TensorType


@dataclass(frozen=True)
class Slice(Op):
    """Channels start ... stop - 1."""

    start: int
    stop: int

    def infer(self, x: TensorType) -> TensorType:
        if not 0 <= self.start < self.stop <= x.channels:
            raise GraphError(f"expected 0 <= start < stop <= {x.channels}, got {self.start} and {self.stop}")
        return TensorType((*x.shape[:-1], self.stop - self.start), x.dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return x[..., self.start : self.stop]

    def native(self, x: TensorType) -> Moves:
        return Moves()

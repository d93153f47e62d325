"""Another shape over the same elements in the same order."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Moves
from neurobin.ir import Op, TensorType


@dataclass(frozen=True)
class Reshape(Op):
    """`shape` is that of one example, without the batch axis."""

    view: ClassVar[bool] = True

    shape: tuple[int, ...]

    def infer(self, x: TensorType) -> TensorType:
        if prod(self.shape) != x.size:
            raise GraphError(f"shape {self.shape} has {prod(self.shape)} elements, the input {x.size}")
        return TensorType(self.shape, x.dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(x.shape[0], *self.shape)

    def native(self, x: TensorType) -> Moves:
        return Moves()

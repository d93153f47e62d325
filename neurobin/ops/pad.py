"""Explicit padding of a map with one value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Moves
from neurobin.ir import BIPOLAR, TERNARY, Op, TensorType, int_for


@dataclass(frozen=True)
class Pad(Op):
    """[H, W, C] -> [top+H+bottom, left+W+right, C]. A value outside the type widens it: bipolar padded with 0 is ternary."""

    padding: tuple[int, int, int, int]
    value: int = 0

    def infer(self, x: TensorType) -> TensorType:
        if len(x.shape) != 3 or min(self.padding) < 0:
            raise GraphError(f"expected a map (H, W, C) and padding of at least 0, got {x.shape} and {self.padding}")
        top, left, bottom, right = self.padding
        dtype = x.dtype
        if any(self.padding) and not dtype.is_float and not dtype.holds(np.array([self.value])):
            narrow = dtype == BIPOLAR and self.value == 0
            dtype = TERNARY if narrow else int_for(min(dtype.low, self.value), max(dtype.high, self.value))
        return TensorType((x.shape[0] + top + bottom, x.shape[1] + left + right, x.shape[2]), dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        top, left, bottom, right = self.padding
        return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=self.value)

    def native(self, x: TensorType) -> Moves:
        return Moves()

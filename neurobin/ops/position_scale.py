"""Constant factor per position: y[h, w, c] = x[h, w, c] * factor[h, w]; the spatial part of XNOR-Net++'s learned scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Elementwise
from neurobin.ir import FLOAT32, Constant, Op, TensorType, Work, int_for, tally


@dataclass(frozen=True)
class PositionScale(Op):
    """Real if the map or the factor is; exact on integers, where the factor's own scale is the caller's to keep."""

    elementwise: ClassVar[bool] = True

    factor: Constant  # [H, W]

    def infer(self, x: TensorType) -> TensorType:
        if len(x.shape) != 3 or self.factor.shape != x.shape[:2]:
            raise GraphError(f"factors have shape {self.factor.shape}, the map {x.shape}; expected [H, W] and (H, W, C)")
        if x.dtype.is_float or self.factor.dtype.is_float:
            return TensorType(x.shape, FLOAT32)
        ends = (int(self.factor.values.min()), int(self.factor.values.max()))
        corners = [v * f for v in (x.dtype.low, x.dtype.high) for f in ends]
        if max(map(abs, corners)) >= 1 << 63:
            raise GraphError("the product may exceed 64 bits", hint="narrower factors")
        return TensorType(x.shape, int_for(min(corners), max(corners)))

    def reference(self, x: np.ndarray) -> np.ndarray:
        kind = np.float64 if self.factor.dtype.is_float else np.int64
        return np.asarray(x * self.factor.values[..., None].astype(kind))

    def native(self, x: TensorType) -> Elementwise:
        return Elementwise(lambda at, value: value * at.position(self.factor.values))

    def work(self, x: TensorType) -> Work:
        return tally("multiply", x.size, (x,), self.infer(x), self.constants())

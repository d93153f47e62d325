"""[H, W, C] -> [H*W*C], channels fastest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.ir import Op, TensorType


@dataclass(frozen=True)
class Flatten(Op):
    """Keeps every element."""

    def infer(self, x: TensorType) -> TensorType:
        return TensorType((x.size,), x.dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(x.shape[0], -1)

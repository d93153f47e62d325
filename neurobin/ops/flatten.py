"""[H, W, C] -> [H*W*C], channels fastest, or slowest as channels-first frameworks flatten."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurobin.exec.kernels import Moves
from neurobin.ir import Op, TensorType


@dataclass(frozen=True)
class Flatten(Op):
    """Keeps every element. `channels_first` is absorbed into the next matrix product when lowered."""

    view: ClassVar[bool] = True
    channels_first: bool = False

    def infer(self, x: TensorType) -> TensorType:
        return TensorType((x.size,), x.dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return (np.moveaxis(x, -1, 1) if self.channels_first else x).reshape(x.shape[0], prod(x.shape[1:]))

    def native(self, x: TensorType) -> Moves:
        return Moves()

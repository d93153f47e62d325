"""Concatenation along the channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Moves
from neurobin.ir import Op, TensorType


@dataclass(frozen=True)
class Concat(Op):
    """Two or more tensors of one element type and equal height and width."""

    def infer(self, *inputs: TensorType) -> TensorType:
        first = inputs[0]
        if any(t.shape[:-1] != first.shape[:-1] or t.dtype != first.dtype for t in inputs):
            raise GraphError(f"expected one element type and equal leading axes, got {', '.join(map(str, inputs))}")
        return TensorType((*first.shape[:-1], sum(t.channels for t in inputs)), first.dtype)

    def reference(self, *inputs: np.ndarray) -> np.ndarray:
        return np.concatenate(inputs, axis=-1)

    def native(self, *inputs: TensorType) -> Moves:
        return Moves()

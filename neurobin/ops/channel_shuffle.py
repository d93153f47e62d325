"""Channel shuffle (ShuffleNet, arXiv 1707.01083): mixes the groups of a grouped convolution before the next one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Moves
from neurobin.ir import Op, TensorType


@dataclass(frozen=True)
class ChannelShuffle(Op):
    """Output channel c * groups + g is input channel g * (C / groups) + c."""

    groups: int

    def infer(self, x: TensorType) -> TensorType:
        if self.groups < 1 or x.channels % self.groups:
            raise GraphError(f"groups={self.groups} must divide {x.channels} channels")
        return x

    def reference(self, x: np.ndarray) -> np.ndarray:
        grouped = x.reshape(*x.shape[:-1], self.groups, x.shape[-1] // self.groups)
        return np.swapaxes(grouped, -1, -2).reshape(x.shape)

    def native(self, x: TensorType) -> Moves:
        return Moves()

"""What blocks write into a graph: real parameters in float64, and the affine step that most of them end with."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor

from neurobin.ir import FLOAT64, Builder, Constant
from neurobin.ops.affine import Affine


class Emits(Protocol):
    """A torch module of one input that appends its meaning at inference to a graph."""

    def __call__(self, x: Tensor) -> Tensor:
        """What it computes in torch."""

    def emit(self, b: Builder, *inputs: str) -> str:
        """Write the same behind `inputs`; returns the name of the result."""


def real(values: Tensor | np.ndarray | float) -> Constant:
    """A real constant with at least one axis, without gradient. Raises GraphError on NaN and infinity."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().double().numpy()
    return Constant(FLOAT64, np.atleast_1d(np.asarray(values, np.float64)))


def affine(scale: Tensor | np.ndarray | float = 1.0, bias: Tensor | np.ndarray | float = 0.0) -> Affine:
    """y = scale x + bias, each one value or one per channel."""
    return Affine(real(scale), real(bias))

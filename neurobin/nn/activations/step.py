"""Spikes (Esser et al. 2016, Eedn, arXiv 1603.08270): y = 1 if x >= 0 else 0.

The paper's estimator is the triangle max(0, 1 - |x|) around the threshold, x being the normalised sum of inputs.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from neurobin.ir import BINARY, Builder
from neurobin.nn.emit import real
from neurobin.nn.estimators import TRIANGLE, Estimator, substitute
from neurobin.nn.steps import reached
from neurobin.ops.multi_threshold import MultiThreshold


class StepActivation(nn.Module):
    """[N, C, ...] -> {0, 1}; the same for all channels."""

    progress = 1.0

    def __init__(self, channels: int, estimator: Estimator = TRIANGLE) -> None:
        super().__init__()
        self.estimator = estimator

    def forward(self, x: Tensor) -> Tensor:
        return substitute(x, reached(x, 0.0), self.estimator, self.progress)

    def emit(self, b: Builder, *inputs: str) -> str:
        return b.add(MultiThreshold(real(np.zeros((1, 1))), BINARY), *inputs)

    def extra_repr(self) -> str:
        return f"estimator={self.estimator}"

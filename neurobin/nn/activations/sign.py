"""Binary activations (Hubara et al. 2016, arXiv 1602.02830): y = sign(x), sign(0) = +1."""

from __future__ import annotations

from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.steps import sign
from neurobin.ops.sign import Sign


class SignActivation(nn.Module):
    """[N, C, ...] -> {-1, +1}; the same for all channels."""

    progress = 1.0

    def __init__(self, channels: int, estimator: Estimator = CLIPPED) -> None:
        super().__init__()
        self.estimator = estimator

    def forward(self, x: Tensor) -> Tensor:
        return substitute(x, sign(x), self.estimator, self.progress)

    def emit(self, b: Builder, *inputs: str) -> str:
        return b.add(Sign(), *inputs)

    def extra_repr(self) -> str:
        return f"estimator={self.estimator}"

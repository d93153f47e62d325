"""Weights that become quantized on the way, a whole layer at once: q(w) = w before the progress `start`, then the scheme's.

Two-stage training has one start for all layers, layer-wise priority one for each (Wang et al. 2017, arXiv 1709.04344,
deepest layer first). What is deployed is quantized in any case.

Gradient: 1 before the start, the scheme's own afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.nn.printed import listed
from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer, WeightScheme


@dataclass(frozen=True)
class After:
    """Real weights before progress `start`, those of `scheme` from then on; the scheme sees the progress as it is."""

    start: float
    scheme: WeightScheme

    def __post_init__(self) -> None:
        if not 0 <= self.start <= 1:
            raise UsageError(f"quantization starts at a share of the training in [0, 1], got {self.start:g}")

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        return AfterQuantizer(self.start, self.scheme.bind(weight))


class AfterQuantizer(nn.Module):
    """One layer's weights, real at first."""

    def __init__(self, start: float, quantizer: WeightQuantizer) -> None:
        super().__init__()
        self.start, self.quantizer = start, quantizer

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return weight if progress < self.start else self.quantizer(weight, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return self.quantizer.terms(weight)

    def extra_repr(self) -> str:
        return listed(f"start={self.start}", self.quantizer)

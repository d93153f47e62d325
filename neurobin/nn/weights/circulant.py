"""Circulant filters (Liu et al. 2019, CBCN, arXiv 1910.10853, sec. 3.1): one learned filter serves in four orientations.

A learned filter [C, 3, 3] stands for four: its eight outer taps move round the centre by j 90 degrees, j = 0 ... 3, which
turns every plane of the filter by that angle. The scale, mean |w|, is the same for all four. The learned filter's gradient
is the sum of the four gradients, each turned back.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurobin.errors import UsageError
from neurobin.nn.estimators import CLIPPED, Estimator
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.quantizer import Stateless, WeightCodes

ORIENTATIONS = 4


@dataclass(frozen=True)
class CirculantWeights(Stateless):
    """Learned weights [F, C, 3, 3] -> binary weights [4 F, C, 3, 3], the four orientations of a filter side by side."""

    estimator: Estimator = CLIPPED
    scale_gradient: bool = False

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return self._signs(rotations(weight), progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        return self._signs.terms(rotations(weight))

    @property
    def _signs(self) -> MagnitudeAwareSign:
        return MagnitudeAwareSign(self.estimator, self.scale_gradient)


def rotations(weight: Tensor) -> Tensor:
    """[F, C, 3, 3] -> [4 F, C, 3, 3]: filter 4 f + j is filter f turned by j 90 degrees.

    Raises UsageError for other kernels.
    """
    if weight.dim() != 4 or weight.shape[2:] != (3, 3):
        raise UsageError(f"circulant filters have shape [F, C, 3, 3], got {tuple(weight.shape)}", hint="kernel 3")
    return torch.stack([weight.rot90(turn, (2, 3)) for turn in range(ORIENTATIONS)], 1).flatten(0, 1)

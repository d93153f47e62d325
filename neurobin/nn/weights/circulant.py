"""Circulant filters (Liu et al. 2019, CBCN, arXiv 1910.10853, sec. 3.1): one learned filter serves in four orientations.

A learned filter w [C, 3, 3] stands for four, q_j(w) = alpha sign(w turned by j 90 degrees) with j = 0 ... 3: the eight outer
taps of every plane move round the centre. The scale alpha, mean |w|, is the same for all four.

Gradient: the sum of the four gradients, each turned back; with `scale_gradient` it reaches alpha as well.
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

"""What activations of several levels share: codes by thresholds, and learned levels on a grid of whole-number ratios.

The code of a value is how many ascending thresholds it has reached, as the IR's multi-threshold counts. Where levels are
sums of learned plane scales, the planes of a deployed tensor need whole numbers, so the scales are r_1 s, r_2 s, ... with
whole r_i and one real factor s already while the network trains: nothing is left to round afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
import torch
from torch import Tensor

from neurobin.errors import UsageError
from neurobin.ir import Builder, DType, Encoding
from neurobin.ir.dtype import u
from neurobin.nn import steps
from neurobin.nn.emit import affine, real
from neurobin.nn.estimators import STRAIGHT_THROUGH, substitute
from neurobin.ops.multi_threshold import MultiThreshold

GRID = 64  # the largest plane scale is this many steps: scales keep a resolution of 1/64 of it
LEAST = 1e-3  # learned ranges stay above this, so that thresholds ascend


def reached(x: Tensor, thresholds: Tensor) -> Tensor:
    """How many of `thresholds` [L] each value has reached (x >= t), as whole numbers of x's type."""
    count = torch.zeros_like(x)
    for threshold in thresholds.unbind():
        count += steps.reached(x, threshold)
    return count


def positive(parameter: Tensor, least: float = LEAST) -> Tensor:
    """A learned range, at least `least`; the gradient passes as if it were not bounded, so it finds its way back."""
    return substitute(parameter, parameter.clamp(min=least), STRAIGHT_THROUGH)


def clip_to(x: Tensor, upper: Tensor) -> Tensor:
    """x within [0, upper], with PACT's gradients: 1 for x where 0 <= x < upper, 1 for `upper` where x >= upper."""
    return torch.where(x >= upper, upper, torch.where(x >= 0, x, torch.zeros_like(x))).to(x.dtype)


def check_bits(what: str, bits: int, most: int = 8) -> int:
    """`bits` if it lies in 1 ... `most`, else UsageError."""
    if not 1 <= bits <= most:
        raise UsageError(f"{what} activations have 1 to {most} bits here, got {bits}")
    return bits


def ordered_ratios(scales: Sequence[float]) -> tuple[int, ...]:
    """Whole-number ratios of `scales`, GRID for the first, each larger than the sum of those behind it.

    Only then is a residual code (sign of x, sign of what is left, ...) the nearest level: with g_1 <= g_2 the level
    g_1 - g_2 of a positive x would lie below -g_1 + g_2 of a negative one. Scales that break the order are raised.
    """
    first = max(abs(scales[0]), LEAST)
    ratios: list[int] = []
    for scale in reversed(scales):
        ratios.append(max(min(max(round(GRID * abs(scale) / first), 1), GRID), 1 + sum(ratios)))
    return tuple(reversed(ratios))


def distinct_ratios(scales: Sequence[float]) -> tuple[int, ...]:
    """Whole-number ratios of positive `scales`, GRID for the largest unless that would give two codes one level.

    A level that another code has already is moved up by a step.
    """
    largest = max(*scales, LEAST)
    ratios = [max(round(GRID * scale / largest), 1) for scale in scales]
    sums = {0}
    for place in np.argsort(ratios, kind="stable"):
        while any(total + ratios[place] in sums for total in sums):
            ratios[place] += 1
        sums |= {total + ratios[place] for total in sums}
    return tuple(ratios)


def plane_type(encoding: Encoding, ratios: Sequence[int]) -> tuple[DType, int]:
    """(the type whose planes have these scales, their common factor, by which its values are too small)."""
    common = gcd(*ratios)
    scales = tuple(sorted(ratio // common for ratio in ratios))
    if scales == tuple(1 << plane for plane in range(len(scales))):
        return DType(encoding, len(scales)), common
    return DType(encoding, len(scales), scales), common


def write(b: Builder, inputs: tuple[str, ...], thresholds: Tensor | np.ndarray, dtype: DType, scale: float) -> str:
    """The quantizer and the scale of its codes as IR nodes behind the one input; returns the name of the real result."""
    codes = b.add(MultiThreshold(real(thresholds.reshape(1, -1)), dtype), *inputs)
    return b.add(affine(scale), codes)


@dataclass(frozen=True, eq=False)
class EvenLevels:
    """2^bits levels 0, d, 2 d, ... up to a learned `upper` of LEAST or more, d = upper / (2^bits - 1); without gradients."""

    upper: Tensor
    bits: int

    @property
    def step(self) -> Tensor:
        """d."""
        return positive(self.upper.detach()) / (2**self.bits - 1)

    @property
    def thresholds(self) -> Tensor:
        """Half-way between neighbouring levels, [2^bits - 1]."""
        return self.step * (torch.arange(1, 2**self.bits).to(self.upper) - 0.5)

    def nearest(self, x: Tensor) -> Tensor:
        """The level nearest to each value, the upper one of two."""
        return self.step * reached(x, self.thresholds)

    def write(self, b: Builder, inputs: tuple[str, ...]) -> str:
        """The same as IR nodes behind the one input."""
        return write(b, inputs, self.thresholds, u(self.bits), self.step.item())

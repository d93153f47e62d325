"""Exact sums as unsigned 8-bit outputs: what a quantized layer of a library must return for them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

SIGMAS = 5  # of a sum of random signs: sqrt(terms) is its standard deviation


@dataclass(frozen=True)
class Requantisation:
    """q = clip(round(sum / scale) + zero_point, 0, 255), ties to even.

    The scale is a power of two, so sum / scale is exact in float32 whether a library divides or multiplies by 1 / scale, and
    the zero point is even, so ties fall the same way whether it is added before or after rounding.
    """

    scale: float
    zero_point: int = 128

    def __call__(self, sums: np.ndarray) -> np.ndarray:
        """int32, of the same shape."""
        values: np.ndarray = np.clip(np.rint(sums / self.scale) + self.zero_point, 0, 255).astype(np.int32)
        return values


def requantisation(terms: int) -> Requantisation:
    """The finest scale that keeps nearly all sums of `terms` random signs inside 8 bits.

    >>> requantisation(576), requantisation(4608)
    (Requantisation(scale=1.0, zero_point=128), Requantisation(scale=4.0, zero_point=128))
    """
    return Requantisation(2.0 ** max(0, math.ceil(math.log2(SIGMAS * math.sqrt(terms) / 127))))

"""Which type has given values: the levels of a quantizer as an element type of the graph, plane by plane."""

from __future__ import annotations

import numpy as np

from neurobin.ir import TERNARY, DType, Encoding
from neurobin.ir.dtype import i, u


def type_of(levels: np.ndarray) -> DType | None:
    """The type whose lowest values are `levels` (int64 [L + 1], ascending), None where no type has them.

    Levels from 0 up, or as far below 0 as above it, are the sums of planes: the plane of weight s is found as the lowest
    level that no planes before it add up to.
    """
    low, high, climbs = int(levels[0]), int(levels[-1]), np.diff(levels)
    if (climbs == 1).all() and (low != 0 or high > 0):
        if (low, high) == (-1, 1):
            return TERNARY
        if low == 0:
            return u(high.bit_length())
        bits = (-low - 1).bit_length() + 1
        if low == -(1 << (bits - 1)) and high < 1 << (bits - 1):
            return i(bits)
    elif (climbs == 2).all() and low < 0 and -low & (1 - low) == 0:  # -low is 2^k - 1
        return DType(Encoding.BIPOLAR, (-low).bit_length())
    elif low in (0, -high):
        encoding, unit = (Encoding.UNSIGNED, 1) if low == 0 else (Encoding.BIPOLAR, 2)
        planes = _planes((levels - low) // unit)
        if planes:
            return DType(encoding, len(planes), planes)
    return None


def _planes(sums: np.ndarray) -> tuple[int, ...]:
    """The weights whose sums are the given numbers, all of them and no others; () where there are none."""
    planes: list[int] = []
    reached = {0}
    for value in sums.tolist():
        if value not in reached:
            planes.append(value)
            reached |= {value + other for other in reached}
        if len(reached) > len(sums):
            return ()
    return tuple(planes) if sorted(reached) == sums.tolist() else ()

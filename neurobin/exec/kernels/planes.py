"""Integers as weighted bit planes, in the form in which popcount kernels multiply them.

    value = sum over planes of weight * (2 bit - 1)     planes of two signs
                            or weight * bit             planes of zeros and ones

A ternary number is two planes of zeros and ones, +1 for positive and -1 for negative ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from neurobin.exec.kernels.planebits import CodeBit, Member, Negative, Positive, Rule
from neurobin.ir import DType, Encoding

MAX_TABLE_BITS = 3  # plane bits of a free basis are found by comparing with each of its values


@dataclass(frozen=True)
class Plane:
    """One plane: its weight, whether its bits are signs, and the rule for the values that set its bit."""

    weight: int
    signs: bool
    rule: Rule


@cache
def planes_of(dtype: DType) -> tuple[Plane, ...]:
    """The planes of a type; () where it is not worth counting bits (free bases of many planes)."""
    if dtype.encoding is Encoding.TERNARY:
        return (Plane(1, False, Positive()), Plane(-1, False, Negative()))
    signs = dtype.encoding is Encoding.BIPOLAR
    if dtype.scales:
        if dtype.bits > MAX_TABLE_BITS:
            return ()
        table = dtype.table
        return tuple(
            Plane(weight, signs, Member(tuple(int(table[code]) for code in range(len(table)) if code >> k & 1)))
            for k, weight in enumerate(dtype.plane_weights)
        )
    if signs and dtype.bits == 1:
        return (Plane(1, True, Positive()),)
    offset, down = (2**dtype.bits - 1, 1) if signs else (0, 0)  # code = (v + 2^bits - 1) / 2 for bipolar numbers
    return tuple(Plane(w, signs, CodeBit(k, offset, down)) for k, w in enumerate(dtype.plane_weights))

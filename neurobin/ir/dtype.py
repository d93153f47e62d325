"""Element types: which integers a tensor may hold and in how many bit planes they are stored.

A value is a weighted sum of its planes. Plane bits stand for {0,1} in unsigned, signed and binary types and for
{-1,+1} (bit 1 is +1) in bipolar types; a ternary type is a bipolar plane with a mask plane beside it.

    bipolar    -1 +1                       1 plane, weight 1
    bipolar:k  odd numbers |v| < 2^k       k planes, weights 1 2 4 ...      (DoReFa-k weights, ABC-Net bases)
    binary     0 1                         1 plane
    ternary    -1 0 +1                     2 planes: sign and mask
    u:k        0 ... 2^k - 1               k planes, weights 1 2 4 ...
    i:k        -2^(k-1) ... 2^(k-1) - 1    k planes, the top one with weight -2^(k-1)
    f32 f64    real numbers                before deployment only
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

from neurobin.errors import GraphError


class Encoding(Enum):
    """How planes make a value."""

    BIPOLAR = "bipolar"
    UNSIGNED = "u"
    SIGNED = "i"
    TERNARY = "ternary"
    FLOAT = "f"


_MAX_BITS = 64
_MAX_VALUE = 2**63 - 1
_NAME = re.compile(r"(bipolar|u|i|f)([0-9]{1,2})(?:<([0-9]{1,19}(?:,[0-9]{1,19})*)>)?")


@dataclass(frozen=True)
class DType:
    """An element type: encoding, stored bits per element and, for free plane bases, the weight of each plane.

    `scales` replaces the powers of two of a bipolar or unsigned type by other positive integers (residual and
    least-squares bases after they were made integer). Raises GraphError for widths or scales that mean nothing.
    """

    encoding: Encoding
    bits: int
    scales: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= _MAX_BITS:
            raise GraphError(f"a type has 1 to {_MAX_BITS} bits, got {self.bits}")
        if self.encoding is Encoding.TERNARY and self.bits != 2:
            raise GraphError(f"ternary values take 2 bits (sign and mask), got {self.bits}")
        if self.encoding is Encoding.FLOAT and self.bits not in (32, 64):
            raise GraphError(f"real types have 32 or 64 bits, got {self.bits}")
        if self.scales:
            if self.encoding not in (Encoding.BIPOLAR, Encoding.UNSIGNED):
                raise GraphError(f"plane scales belong to bipolar and unsigned types, got {self.encoding.value}")
            if len(self.scales) != self.bits or min(self.scales) < 1:
                raise GraphError(f"expected {self.bits} plane scales, each at least 1, got {self.scales}")
            self._check_range()
            if len(np.unique(self.table)) != 2**self.bits:
                raise GraphError(f"plane scales {self.scales} give two codes the same value")
        self._check_range()

    def _check_range(self) -> None:
        """Every value of an integer type is an int64: the engines compute in it."""
        if not self.is_float and self.high > _MAX_VALUE:
            raise GraphError(f"values of {self} reach {self.high}, integers are limited to 64 bits with sign")

    @cached_property
    def plane_weights(self) -> tuple[int, ...]:
        """The factor of each plane in the value, least significant first; a ternary type has its one signed plane."""
        if self.scales:
            return self.scales
        if self.encoding is Encoding.TERNARY:
            return (1,)
        powers = [1 << i for i in range(self.bits)]
        if self.encoding is Encoding.SIGNED:
            powers[-1] = -powers[-1]
        return tuple(powers)

    @property
    def is_float(self) -> bool:
        return self.encoding is Encoding.FLOAT

    @property
    def is_range(self) -> bool:
        """Every integer from `low` to `high` is a value, so clipping to them gives a value of this type."""
        return self.encoding in (Encoding.UNSIGNED, Encoding.SIGNED, Encoding.TERNARY) and not self.scales

    @property
    def is_bipolar(self) -> bool:
        """Plane bits stand for -1 and +1 (with a mask for ternary types)."""
        return self.encoding in (Encoding.BIPOLAR, Encoding.TERNARY)

    @cached_property
    def table(self) -> np.ndarray:
        """int64 [2^bits]: the value of every code (bit i of the code is plane i); small non-ternary types only."""
        if self.bits > 16 or self.encoding in (Encoding.TERNARY, Encoding.FLOAT):
            raise GraphError(f"{self} has no code table")
        planes = (np.arange(2**self.bits)[:, None] >> np.arange(self.bits)) & 1
        signs = 2 * planes - 1 if self.is_bipolar else planes
        return (signs * np.array(self.plane_weights)).sum(1)

    @cached_property
    def low(self) -> int:
        """Smallest value."""
        if self.encoding is Encoding.TERNARY:
            return -1
        if self.encoding is Encoding.BIPOLAR:
            return -sum(self.plane_weights)
        return self.plane_weights[-1] if self.encoding is Encoding.SIGNED else 0

    @cached_property
    def high(self) -> int:
        """Largest value."""
        if self.encoding is Encoding.SIGNED:
            return (1 << (self.bits - 1)) - 1
        return sum(self.plane_weights)

    @property
    def count(self) -> int:
        """How many values an integer type has."""
        return 3 if self.encoding is Encoding.TERNARY else 1 << self.bits

    @property
    def numpy(self) -> np.dtype:
        """The narrowest numpy type that holds every value."""
        if self.is_float:
            return np.dtype(np.float64)
        for kind in (np.int8, np.int16, np.int32):
            if np.iinfo(kind).min <= self.low and self.high <= np.iinfo(kind).max:
                return np.dtype(kind)
        return np.dtype(np.int64)

    def holds(self, values: np.ndarray) -> bool:
        """True when every value is a member of this type; an integer type holds arrays of integers or booleans only."""
        if self.is_float:
            return bool(np.isfinite(values).all())
        if values.dtype.kind not in "iub":
            return False
        if values.size == 0:
            return True
        if values.min() < self.low or values.max() > self.high:
            return False
        if self.scales:
            return bool(np.isin(values, self.table).all())
        return self.encoding is not Encoding.BIPOLAR or bool((values & 1).all())

    def holds_type(self, other: DType) -> bool:
        """True when the range of `other` lies within this integer type's."""
        return not other.is_float and self.low <= other.low and other.high <= self.high

    def __str__(self) -> str:
        if self.scales:
            return f"{self.encoding.value}{self.bits}<{','.join(map(str, self.scales))}>"
        if self == BINARY:
            return "binary"
        if self.encoding is Encoding.TERNARY or self == BIPOLAR:
            return self.encoding.value
        return f"{self.encoding.value}{self.bits}"

    __repr__ = __str__


def u(bits: int) -> DType:
    """Unsigned integers of `bits` bits."""
    return DType(Encoding.UNSIGNED, bits)


def i(bits: int) -> DType:
    """Two's complement integers of `bits` bits."""
    return DType(Encoding.SIGNED, bits)


BIPOLAR = DType(Encoding.BIPOLAR, 1)
BINARY = DType(Encoding.UNSIGNED, 1)
TERNARY = DType(Encoding.TERNARY, 2)
FLOAT32 = DType(Encoding.FLOAT, 32)
FLOAT64 = DType(Encoding.FLOAT, 64)


def parse_dtype(text: str) -> DType:
    """The inverse of `str(dtype)`.

    >>> parse_dtype("ternary"), parse_dtype("i16"), parse_dtype("bipolar2<3,1>").high
    (ternary, i16, 4)
    """
    named = {"binary": BINARY, "ternary": TERNARY, "bipolar": BIPOLAR}
    if text in named:
        return named[text]
    match = _NAME.fullmatch(text)
    if match is None:
        raise GraphError(f"expected an element type such as bipolar, ternary, u8 or i16, got {text!r}")
    scales = tuple(int(part) for part in match[3].split(",")) if match[3] else ()
    return DType(Encoding(match[1]), int(match[2]), scales)


def int_for(low: int, high: int) -> DType:
    """The narrowest two's complement type that holds [low, high].

    >>> int_for(-9, 9), int_for(0, 255), int_for(-128, 127)
    (i5, i9, i8)
    """
    return i(max((v if v >= 0 else ~v).bit_length() for v in (int(low), int(high))) + 1)  # ~v = -v - 1

"""What flows along an edge and what an op holds: `TensorType` and `Constant`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from neurobin.errors import GraphError
from neurobin.ir.dtype import DType, parse_dtype

MAX_ELEMENTS = 2**31
MAX_AXES = 8


@dataclass(frozen=True)
class TensorType:
    """Shape of one example (no batch axis; channels last: H, W, C or F) and element type."""

    shape: tuple[int, ...]
    dtype: DType

    def __post_init__(self) -> None:
        if not 1 <= len(self.shape) <= MAX_AXES:
            raise GraphError(f"a tensor has 1 to {MAX_AXES} axes, got {len(self.shape)} in shape {self.shape}")
        if not all(type(size) is int and size >= 1 for size in self.shape):
            raise GraphError(f"every axis is a Python int of at least 1, got shape {self.shape}")
        if self.size > MAX_ELEMENTS:
            raise GraphError(f"a tensor has at most {MAX_ELEMENTS} elements, got {self.size} in shape {self.shape}")

    @property
    def size(self) -> int:
        """Elements per example."""
        return prod(self.shape)

    @property
    def channels(self) -> int:
        return self.shape[-1]

    @property
    def bits(self) -> int:
        """Stored bits per example, without padding."""
        return self.size * self.dtype.bits

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


@dataclass(frozen=True, eq=False)
class Constant:
    """A typed parameter of an op. Values are copied, checked against the type and made read-only.

    Raises GraphError when there is no value, or when one is NaN, infinite (naming its index) or outside the type.
    """

    dtype: DType
    values: np.ndarray

    def __post_init__(self) -> None:
        raw = np.asarray(self.values)
        if raw.dtype.kind not in "biuf":
            raise GraphError(
                f"constant of type {self.dtype} got values of numpy type {raw.dtype}, expected numbers of 64 bits"
            )
        if raw.ndim < 1 or raw.size < 1:
            raise GraphError(f"a constant has at least one axis and one element, got shape {raw.shape}")
        if not np.isfinite(raw).all():
            index = tuple(int(k) for k in np.argwhere(~np.isfinite(raw))[0])
            raise GraphError(f"constant holds {raw[index]} at index {index}", hint="retrain or repair the parameter")
        with np.errstate(invalid="ignore"):  # a cast out of range is found by the comparison below
            values = np.array(raw, dtype=self.dtype.numpy)
        if not np.array_equal(values, raw):
            raise GraphError(f"constant of type {self.dtype} does not hold its values exactly (max |v| {np.abs(raw).max()})")
        if not self.dtype.holds(values):
            raise GraphError(f"constant has values outside {self.dtype} (range {values.min()} to {values.max()})")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def bits(self) -> int:
        """Stored bits, without padding."""
        return int(self.values.size) * self.dtype.bits

    @cached_property
    def digest(self) -> str:
        """Six hex digits that change with any value: enough to see in the text form that weights differ."""
        return hashlib.sha256(np.ascontiguousarray(self.values).tobytes()).hexdigest()[:6]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self.dtype == other.dtype and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.dtype, self.shape, self.digest))

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]#{self.digest}"

    __repr__ = __str__


def parse_type(text: str) -> TensorType:
    """The inverse of `str(tensor_type)`.

    >>> parse_type("u8[28,28,1]")
    TensorType(shape=(28, 28, 1), dtype=u8)
    """
    name, bracket, rest = text.partition("[")
    if not bracket or not rest.endswith("]"):
        raise GraphError(f"expected a type such as u8[28,28,1], got {text!r}")
    try:
        shape = tuple(int(part) for part in rest[:-1].split(","))
    except ValueError:
        raise GraphError(f"expected whole numbers as shape, got {text!r}") from None
    return TensorType(shape, parse_dtype(name))

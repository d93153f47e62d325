"""Shapes and saturation of element-wise ops with two operands."""

from __future__ import annotations

from neurobin.errors import GraphError
from neurobin.ir import DType, TensorType


def broadcast(a: TensorType, b: TensorType) -> tuple[int, ...]:
    """The common shape; axes of size 1 stretch. Raises GraphError when ranks or sizes differ otherwise."""
    if len(a.shape) != len(b.shape) or any(m != n and 1 not in (m, n) for m, n in zip(a.shape, b.shape, strict=True)):
        raise GraphError(f"shapes {a.shape} and {b.shape} do not match axis by axis (size 1 stretches)")
    return tuple(max(m, n) for m, n in zip(a.shape, b.shape, strict=True))


def check_range(dtype: DType | None) -> None:
    """Raises GraphError when clipping to the ends of `dtype` may give a number that is not one of its values."""
    if dtype is not None and not dtype.is_range:
        raise GraphError(f"cannot clip to {dtype}: not every integer in its range is one of its values")

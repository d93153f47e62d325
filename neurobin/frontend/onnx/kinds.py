"""Element types, as numpy has them: which are whole numbers, and from where to where they reach.

Whole numbers of four and two bits are types that the package `ml_dtypes`, on which onnx depends, adds to numpy: one number
in a byte; only files hold several. numpy itself does not know that they are whole, so whoever asks that asks here.
"""

from __future__ import annotations

import numpy as np

# Whole numbers of fewer than eight bits, by the standard's number of their type.
NARROW = {21: "uint4", 22: "int4", 25: "uint2", 26: "int2"}
_NAMES = {"float32": "float", "float64": "double"}  # of the standard, where they are not numpy's


def narrow(number: int) -> np.dtype:
    """The type of that number in `NARROW`."""
    import ml_dtypes

    return np.dtype(getattr(ml_dtypes, NARROW[number]))


def is_narrow(kind: np.dtype) -> bool:
    """True for whole numbers that files hold several of in a byte."""
    return kind.name in NARROW.values()


def is_whole(kind: np.dtype) -> bool:
    """True for whole numbers of any width; truth values are none."""
    return kind.kind in "iu" or is_narrow(kind)


def bits(kind: np.dtype) -> int:
    """How many one number has."""
    return int(kind.name[-1]) if is_narrow(kind) else 8 * kind.itemsize


def bounds(kind: np.dtype) -> tuple[int, int]:
    """(lowest, highest) of whole numbers, or of truth values."""
    if kind.kind == "b":
        return 0, 1
    if not is_narrow(kind):
        held = np.iinfo(kind)
        return int(held.min), int(held.max)
    count = 1 << bits(kind)
    return (-count // 2, count // 2 - 1) if kind.name.startswith("int") else (0, count - 1)


def converts(kind: np.dtype, to: np.dtype) -> bool:
    """True when `to` holds every number of `kind`."""
    if not is_whole(kind) or not is_whole(to):
        return bool(np.can_cast(kind, to))
    (low, high), (least, most) = bounds(kind), bounds(to)
    return least <= low and high <= most


def converted(values: np.ndarray, kind: np.dtype) -> np.ndarray:
    """The values in another type: reals are cut off, whole numbers lose their upper bits, and what is not 0 is true."""
    between = is_narrow(values.dtype) and is_narrow(kind)  # `ml_dtypes` does not convert one of its types to another
    return (values.astype(np.int8) if between else values).astype(kind)


def stated(kind: np.dtype) -> str:
    """What the standard's operators call a tensor of such elements."""
    return f"tensor({_NAMES.get(kind.name, kind.name)})"

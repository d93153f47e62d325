"""Memory at cache lines, and where tensors live in it: those whose lifetimes do not overlap share bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LINE_BYTES = 64


def lined(size: int) -> np.ndarray:
    """uint8 [size] of zeros that begins at a cache line."""
    raw = np.zeros(size + LINE_BYTES, np.uint8)
    start = -raw.ctypes.data % LINE_BYTES
    return raw[start : start + size]


@dataclass(frozen=True)
class Lifetime:
    """The steps from which and to which (both included) a tensor is needed, and its bytes."""

    first: int
    last: int
    size: int


def allocate(lifetimes: Mapping[str, Lifetime]) -> tuple[dict[str, int], int]:
    """Offsets by tensor, and the bytes needed: largest first, each at the lowest place that is free all its life."""
    placed: list[tuple[int, int, Lifetime]] = []
    offsets: dict[str, int] = {}
    for name, life in sorted(lifetimes.items(), key=lambda item: (-item[1].size, item[0])):
        start = 0
        for begin, end, other in sorted(placed, key=lambda p: p[0]):
            if other.last < life.first or life.last < other.first:
                continue
            if start + life.size <= begin:
                break
            start = max(start, end)
        end = -(-(start + life.size) // LINE_BYTES) * LINE_BYTES
        placed.append((start, end, life))
        offsets[name] = start
    return offsets, max((end for _, end, _ in placed), default=0)

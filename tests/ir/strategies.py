"""Hypothesis strategies for element types and values."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from neurobin.ir import BINARY, BIPOLAR, TERNARY, Constant, DType, Encoding
from neurobin.ir.dtype import i, u

EDGES = (1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257)
channel_counts = st.sampled_from(EDGES) | st.integers(1, 257)
seeds = st.integers(0, 2**32 - 1)

_SCALES = ((3,), (1, 2), (3, 1), (5, 2), (1, 3, 7), (9, 4, 2), (100, 1))


@st.composite
def scaled(draw: st.DrawFn) -> DType:
    """Types whose planes have weights of their own."""
    scales = draw(st.sampled_from(_SCALES))
    return DType(draw(st.sampled_from([Encoding.BIPOLAR, Encoding.UNSIGNED])), len(scales), scales)


def widths(low: int, high: int) -> st.SearchStrategy[DType]:
    """Plain types of `low` to `high` bits, each encoding."""
    bits = st.integers(low, high)
    return bits.map(i) | bits.map(u) | bits.map(lambda k: DType(Encoding.BIPOLAR, k))


named = st.sampled_from([BIPOLAR, BINARY, TERNARY])
narrow = named | widths(1, 4) | scaled()
medium = narrow | widths(5, 12)
any_integer = medium | widths(13, 63) | st.just(i(64))


def members(dtype: DType) -> np.ndarray | None:
    """Every value of a small type, None for one with too many to list."""
    if dtype == TERNARY:
        return np.array([-1, 0, 1])
    return np.asarray(dtype.table) if dtype.bits <= 10 else None


def random_values(dtype: DType, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """int64 values of `dtype`: uniform, or with probability 1/4 one of its two ends everywhere."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.25:
        return rng.choice(np.array([dtype.low, dtype.high], np.int64), shape)
    listed = members(dtype)
    if listed is not None:
        return rng.choice(listed, shape).astype(np.int64)
    values = rng.integers(dtype.low, dtype.high, shape, dtype=np.int64, endpoint=True)
    if dtype.encoding is Encoding.BIPOLAR:
        values |= 1  # odd numbers only
    return values


def random_constant(dtype: DType, shape: tuple[int, ...], seed: int) -> Constant:
    return Constant(dtype, random_values(dtype, shape, seed))

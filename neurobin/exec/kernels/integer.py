"""Integer matrix products through floating-point BLAS, exact by a bound on every partial sum."""

from __future__ import annotations

import numpy as np


def int_matmul(a: np.ndarray, b: np.ndarray, bound: int) -> np.ndarray:
    """int64 [R, O] = a [R, K] @ b [K, O] for integer arrays, where |sum| <= `bound` for any subset of the terms.

    Every product and partial sum is an integer of at most `bound`, so float32 is exact below 2^24 and float64 below 2^53,
    whatever the order of summation; beyond that the integer loop of numpy is used.
    """
    for real, limit in ((np.float32, 1 << 24), (np.float64, 1 << 53)):
        if bound < limit:
            return np.rint(a.astype(real) @ b.astype(real)).astype(np.int64)
    return np.asarray(a.astype(np.int64) @ b.astype(np.int64))

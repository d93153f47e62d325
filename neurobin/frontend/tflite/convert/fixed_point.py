"""TensorFlow Lite's arithmetic of 8-bit operators: a whole number times a real factor, as its reference kernels compute it.

A factor is m 2^(e - 31) with m of 31 bits (QuantizeMultiplier). The product is rounded twice, once behind the multiplication
and once behind the shift, halves away from zero (MultiplyByQuantizedMultiplier, after gemmlowp/fixedpoint). So a product is
one above the nearest number where the first rounding lifts it to a half: that is part of what a file means.
"""

from __future__ import annotations

import numpy as np

MAX_SUM = 2**30  # sums beyond are cut: their products are far outside 8 bits


def fixed(factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factors [M], above 0, as (m, e). 2^31 itself is kept as m: the same factor with one exponent more."""
    fraction, exponent = np.frexp(np.minimum(factor, 2.0**40))  # beyond, any product is outside 8 bits
    return np.floor(fraction * 2.0**31 + 0.5).astype(np.int64), exponent.astype(np.int64)


def multiply(x: np.ndarray, factor: np.ndarray, upwards: np.ndarray | None = None) -> np.ndarray:
    """int64 [M] of whole numbers times factors [M], above 0, rounded; where `upwards` [M], halves behind the shift go up."""
    return scaled(x, *fixed(factor), upwards)


def scaled(x: np.ndarray, m: np.ndarray, exponent: np.ndarray, upwards: np.ndarray | None = None) -> np.ndarray:
    """x m 2^(e - 31), rounded, as `multiply`."""
    left, right = np.clip(exponent, 0, 30), np.clip(-exponent, 0, 31)
    reach = np.maximum(MAX_SUM >> left, 1)
    product = (np.clip(x, -reach, reach) << left) * m
    high = _truncated(product + np.where(product >= 0, 1 << 30, 1 - (1 << 30)), 1 << 31)
    mask = (np.int64(1) << right) - 1
    away = (high < 0) if upwards is None else (high < 0) & ~upwards
    rounded = (high >> right) + ((high & mask) > (mask >> 1) + away)
    return np.where(exponent < -31, 0, rounded)


def divide(x: np.ndarray, count: int) -> np.ndarray:
    """int64 [M] of whole numbers over `count`, halves away from zero, as its average pool computes it."""
    return _truncated(x + np.where(x > 0, count // 2, -(count // 2)), count)


def _truncated(x: np.ndarray, by: int) -> np.ndarray:
    """x / by towards zero."""
    return np.where(x >= 0, x // by, -(-x // by))

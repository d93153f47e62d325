"""Weights that are whole numbers times a scale, found in the weights themselves: exporting leaves no trace of a quantizer.

round(w / s) s, (2 q - n) / n and whatever else a quantizer computes puts all weights of a filter on multiples of one number,
but for the rounding of float32. Weights that nobody quantized do not lie so, unless there are hardly any.
"""

from __future__ import annotations

import numpy as np

MAX_CODE = 255
NEAR = 2.0**-20  # of a weight: float32 rounds at 2^-24, in each of a few operators


def codes_of(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray] | None:
    """(whole numbers, scales), both of the weights' rank; the scale is one for all or one for each filter along `axis`.

    None where the weights are no such. One scale is preferred. Codes are the smallest that fit, and not above MAX_CODE.
    """
    if weight.dtype.kind != "f" or weight.size == 0:
        return None
    rows = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1).astype(np.float64)
    scales = np.empty(len(rows))
    for index, row in enumerate(rows):
        scale = divisor(np.abs(row))
        if scale is None:
            return None
        scales[index] = scale
    common = divisor(np.abs(rows).reshape(-1))
    if common is not None:
        scales = np.array([common])
    along = [1] * weight.ndim
    along[axis] = len(scales)
    scales = scales.reshape(along)
    return np.rint(weight / scales).astype(np.int64), scales


def width_of(codes: np.ndarray) -> tuple[int, bool, bool]:
    """(bits, signed, narrow) of the smallest quantizer with these codes: one bit is -1 and +1, narrow lacks -2^(b-1)."""
    low, high = int(codes.min()), int(codes.max())
    if low >= 0 and high > 0:
        return high.bit_length(), False, False
    if (np.abs(codes) == 1).all():
        return 1, True, False
    bits = max(2, max(high, -low - 1).bit_length() + 1)
    return bits, True, low > -(1 << (bits - 1))


def divisor(magnitudes: np.ndarray) -> float | None:
    """The largest number of which all are multiples by 0 ... MAX_CODE, None where there is none; 1 where all are 0."""
    values = np.unique(magnitudes)
    values = values[values > 0]
    if not len(values):
        return 1.0
    if len(values) > 2 * MAX_CODE or values[-1] > values[0] * MAX_CODE * (1 + NEAR):
        return None
    for parts in range(1, int(MAX_CODE * values[0] / values[-1] + 0.5) + 1):
        scale = float(values[0]) / parts
        if (np.abs(values - np.rint(values / scale) * scale) <= NEAR * values).all():
            return scale
    return None

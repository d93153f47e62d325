"""Between real and whole numbers: y = saturate(round_half_even(x / scale) + zero point), and back; and casts."""

from __future__ import annotations

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.operators._frame import Frame, Operator
from neurobin.frontend.onnx.tensors import kind_of


def saturated(frame: Frame, ratios: np.ndarray, zero: np.ndarray) -> np.ndarray:
    """round(x / scale) + zero point for given x / scale, clamped to the zero point's type."""
    kind = np.iinfo(zero.dtype)
    if np.isnan(ratios).any():
        raise frame.call.refuse("quantizes NaN")
    frame.room(ratios.shape, np.float64)
    codes = np.rint(ratios.astype(np.float64)) + zero.astype(np.float64)
    return np.clip(codes, kind.min, kind.max).astype(zero.dtype)


def quantize_linear(frame: Frame, x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None = None) -> np.ndarray:
    """Per tensor, or along an axis. The zero point's type is the result's; uint8 where there is none."""
    if zero is None:
        stated = int(frame.call.attributes.get("output_dtype", 0) or 2)  # type: ignore[arg-type]
        zero = np.zeros((), kind_of(stated, frame.call.where))
    if zero.dtype.kind not in "iu":
        raise UnsupportedError(f"quantizes to {zero.dtype.name}", where=frame.call.where)
    frame.room(x.shape, scale.dtype)
    step, origin = _along(frame, x, scale), _along(frame, x, zero)
    return saturated(frame, x.astype(scale.dtype) / step, origin)


def dequantize_linear(frame: Frame, x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None = None) -> np.ndarray:
    """(x - zero point) scale, in the scale's type."""
    frame.room(x.shape, np.int64)
    codes = x.astype(np.int64)
    if zero is not None:
        codes = codes - _along(frame, x, zero).astype(np.int64)
    return np.asarray(codes.astype(scale.dtype) * _along(frame, x, scale), dtype=scale.dtype)


def _along(frame: Frame, x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A scalar, or one value per index of `axis`, as it broadcasts to x. Raises UnsupportedError for blocks."""
    if values.size == 1 and values.ndim <= 1:
        return values.reshape(())
    if values.ndim != 1 or frame.call.attributes.get("block_size", 0):
        raise UnsupportedError("scales of blocks", where=frame.call.where)
    axis = frame.axis(frame.call.integer("axis"), x.ndim)
    if len(values) != x.shape[axis]:
        raise frame.call.refuse(f"{len(values)} scales along an axis of size {x.shape[axis]}")
    return values.reshape(-1, *(1,) * (x.ndim - 1 - axis))


def cast(frame: Frame, x: np.ndarray) -> np.ndarray:
    """To another type: real to whole numbers truncates, to truth values asks for not 0."""
    kind = kind_of(frame.call.integer("to"), frame.call.where)
    frame.room(x.shape, kind)
    return x.astype(kind)


def cast_like(frame: Frame, x: np.ndarray, like: np.ndarray) -> np.ndarray:
    frame.room(x.shape, like.dtype)
    return x.astype(like.dtype)


OPERATORS: dict[str, Operator] = {
    "QuantizeLinear": quantize_linear,
    "DequantizeLinear": dequantize_linear,
    "Cast": cast,
    "CastLike": cast_like,
}

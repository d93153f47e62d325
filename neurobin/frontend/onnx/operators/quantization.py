"""Between real and whole numbers: y = saturate(round_half_even(x / scale) + zero point), and back; and casts."""

from __future__ import annotations

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.kinds import bounds, converted, is_whole
from neurobin.frontend.onnx.operators._frame import Frame, Operator
from neurobin.frontend.onnx.tensors import kind_of


def saturated(frame: Frame, ratios: np.ndarray, zero: np.ndarray) -> np.ndarray:
    """round(x / scale) + zero point for given x / scale, clamped to the zero point's type."""
    if np.isnan(ratios).any():
        raise frame.call.refuse("quantizes NaN")
    frame.room(ratios.shape, np.float64)
    codes = np.rint(ratios.astype(np.float64)) + zero.astype(np.float64)
    return np.clip(codes, *bounds(zero.dtype)).astype(zero.dtype)


def quantize_linear(frame: Frame, x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None = None) -> np.ndarray:
    """Per tensor, along an axis, or in blocks along it, divided in the scale's type unless `precision` names another.

    The result's type is the zero point's; where there is none, `output_dtype`, else uint8.
    """
    stated = _kind(frame, "output_dtype")
    if zero is None:
        zero = np.zeros((), np.uint8 if stated is None else stated)
    if stated not in (None, zero.dtype):
        raise frame.call.refuse(f"output_dtype is {stated.name}, the zero point is {zero.dtype.name}")
    if not is_whole(zero.dtype):
        raise UnsupportedError(f"quantizes to {zero.dtype.name}", where=frame.call.where)
    kind = _kind(frame, "precision") or scale.dtype
    if kind.kind != "f":
        raise UnsupportedError(f"divides in {kind.name}, expected real numbers", where=frame.call.where)
    frame.room(x.shape, kind)
    step, origin = along(frame, x, scale), along(frame, x, zero)
    return saturated(frame, x.astype(kind) / step.astype(kind), origin)


def dequantize_linear(frame: Frame, x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None = None) -> np.ndarray:
    """(x - zero point) scale, rounded once to the scale's type or `output_dtype`.

    Raises UnsupportedError for scales that `output_dtype` does not hold: the standard's text multiplies in that type, its
    reference in float32, and their results differ.
    """
    kind = _kind(frame, "output_dtype") or scale.dtype
    if kind.kind != "f":
        raise frame.call.refuse(f"output_dtype is {kind.name}, expected real numbers")
    if kind != scale.dtype and (scale.astype(kind) != scale).any():
        raise UnsupportedError(f"scales that {kind.name} does not hold", where=frame.call.where)
    frame.room(x.shape, np.int64)
    codes = x.astype(np.int64)
    if zero is not None:
        codes = codes - along(frame, x, zero).astype(np.int64)
    wide = np.float32 if kind == np.float16 else kind
    return np.asarray(codes.astype(wide) * along(frame, x, scale).astype(wide), dtype=kind)


def _kind(frame: Frame, name: str) -> np.dtype | None:
    """The element type that an attribute states, None where it states none."""
    number = frame.call.attributes.get(name, 0)
    return kind_of(frame.call.integer(name), frame.call.where) if number else None


def along(frame: Frame, x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Scales or zero points as they broadcast to x: one, one per index of `axis`, or one per block of indices of it.

    Blocks are all of `block_size` indices, but for the last, which may be smaller; along the other axes there is a value
    for every index. Raises FormatError for any other shape.
    """
    block = frame.call.integer("block_size") if frame.call.attributes.get("block_size") else 0
    if block < 0:
        raise frame.call.refuse(f"block_size is {block}, expected a positive number")
    if values.size == 1 and values.ndim <= (0 if block else 1):
        return values.reshape(())
    axis = frame.axis(frame.call.integer("axis"), x.ndim)
    size = x.shape[axis]
    if block:
        wanted = (*x.shape[:axis], -(-size // block), *x.shape[axis + 1 :])
        if values.shape != wanted:
            what = f"blocks of {block} along axis {axis} of {list(x.shape)}"
            raise frame.call.refuse(
                f"scales or zero points of shape {list(values.shape)} for {what}, expected {list(wanted)}"
            )
        frame.room(x.shape, values.dtype)
        return np.take(values, np.arange(size) // block, axis)
    if values.ndim != 1:
        raise frame.call.refuse(f"scales or zero points of shape {list(values.shape)} without a block_size")
    if len(values) != size:
        raise frame.call.refuse(f"{len(values)} scales along an axis of size {size}")
    return values.reshape(-1, *(1,) * (x.ndim - 1 - axis))


def cast(frame: Frame, x: np.ndarray) -> np.ndarray:
    """To another type: real to whole numbers truncates, to truth values asks for not 0."""
    kind = kind_of(frame.call.integer("to"), frame.call.where)
    frame.room(x.shape, kind)
    return converted(x, kind)


def cast_like(frame: Frame, x: np.ndarray, like: np.ndarray) -> np.ndarray:
    frame.room(x.shape, like.dtype)
    return converted(x, like.dtype)


OPERATORS: dict[str, Operator] = {
    "QuantizeLinear": quantize_linear,
    "DequantizeLinear": dequantize_linear,
    "Cast": cast,
    "CastLike": cast_like,
}

"""QONNX's quantizers, in the float32 arithmetic of its own executor (qonnx/custom_op/general).

Quant: y = (round(clamp(x / scale + zero, low, high)) - zero) scale; the clamp comes before the rounding.
BipolarQuant: y = scale where x >= 0, else -scale.  MultiThreshold: y = out_scale #{t : x >= t} + out_bias.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.operators._frame import BEGIN, Frame, Operator

MAX_BITS = 32
_TIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "DOWN": np.trunc,
    "ROUND_TO_ZERO": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + x.dtype.type(0.5)),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - x.dtype.type(0.5)),
}


def rounding(frame: Frame) -> Callable[[np.ndarray], np.ndarray]:
    """The function of attribute rounding_mode. Raises UnsupportedError naming those without one (random or learned ones)."""
    mode = frame.call.text("rounding_mode").upper()
    if mode not in _TIES:
        raise UnsupportedError(f"rounding mode {mode!r}, known are {', '.join(_TIES)}", where=frame.call.where)
    return _TIES[mode]


def integer_range(frame: Frame, bits: int) -> tuple[int, int]:
    """(lowest, highest) code of that many bits, by attributes signed and narrow. Raises FormatError where they are one."""
    signed, narrow = frame.call.flag("signed"), frame.call.flag("narrow")
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    low = -(2 ** (bits - 1)) + narrow if signed else 0
    if low >= high and not (signed and bits == 1):
        raise frame.call.refuse(f"{bits} bits, {'signed' if signed else 'unsigned'} and narrow, leave one code")
    return low, high


def bit_width(frame: Frame, bits: np.ndarray) -> int:
    """A stated width. Raises FormatError unless it is one whole number from 1 to 32."""
    if bits.size != 1 or not float(bits.reshape(())).is_integer() or not 1 <= int(bits.reshape(())) <= MAX_BITS:
        raise frame.call.refuse(
            f"a bit width of {bits.reshape(-1)[:4].tolist()}, expected one whole number from 1 to {MAX_BITS}"
        )
    return int(bits.reshape(()))


def check_scale(frame: Frame, scale: np.ndarray, what: str = "scale") -> None:
    """Raises FormatError, with its first place, where a scale is not a positive number."""
    wrong = ~(np.isfinite(scale) & (scale > 0))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise frame.call.refuse(
            f"{what} is {scale[place]}{f' at {list(place)}' if place else ''}, expected positive numbers"
        )


def quant(frame: Frame, x: np.ndarray, scale: np.ndarray, zero: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Codes of x, as the real values they stand for."""
    frame.broadcast(x, scale, zero)
    codes = quant_codes(frame, x, scale, zero, bits)
    return np.asarray((codes - zero) * scale)


def quant_codes(frame: Frame, x: np.ndarray, scale: np.ndarray, zero: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Whole numbers, zero point included, still in the type of x."""
    width = bit_width(frame, bits)
    check_scale(frame, scale)
    low, high = integer_range(frame, width)
    with np.errstate(all="ignore"):
        ratio = np.asarray(x / scale + zero)
    if width == 1 and frame.call.flag("signed"):
        return np.where(ratio >= 0, ratio.dtype.type(1), ratio.dtype.type(-1))
    clamped = np.where(ratio > high, ratio.dtype.type(high), ratio)
    return np.asarray(rounding(frame)(np.where(clamped < low, ratio.dtype.type(low), clamped)))


def bipolar_quant(frame: Frame, x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    frame.broadcast(x, scale)
    check_scale(frame, scale)
    return np.asarray(np.where(x >= 0, x.dtype.type(1), x.dtype.type(-1)) * scale)


def trunc(
    frame: Frame, x: np.ndarray, scale: np.ndarray, zero: np.ndarray, bits: np.ndarray, *rest: np.ndarray
) -> np.ndarray:
    """Fewer bits of what is quantized already. Version 1 shifts by the difference of widths and keeps the scale; version 2
    shifts by the power of two nearest to the ratio of scales, clamps to the new width and takes the new scale."""
    frame.broadcast(x, scale, zero, *rest)
    check_scale(frame, scale)
    given = bit_width(frame, bits)
    codes = np.rint(x / scale + zero)
    if frame.call.version < 2:
        divisor = x.dtype.type(2.0 ** (given - bit_width(frame, rest[0])))
        return np.asarray((rounding(frame)(codes / divisor) - zero) * scale)
    new_scale, width = rest[0], bit_width(frame, rest[1])
    check_scale(frame, new_scale, "out_scale")
    divisor = 2 ** np.rint(np.log2(new_scale / scale))
    low, high = integer_range(frame, width)
    clamped = np.clip(codes / divisor, low, high)
    return np.asarray((rounding(frame)(clamped) - zero / divisor) * new_scale)


def multi_threshold(frame: Frame, x: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """How many thresholds [C or 1, T] of its channel each element has reached, scaled and shifted."""
    axis = channel_axis(frame, x.ndim)
    if thresholds.ndim != 2 or len(thresholds) not in (1, x.shape[axis]):
        raise frame.call.refuse(f"thresholds of shape {list(thresholds.shape)} for {x.shape[axis]} channels")
    frame.room(x.shape, np.float64)
    frame.work(thresholds.shape[1] * (x.size + BEGIN))
    counts = np.zeros(x.shape, dtype=x.dtype)
    rows = (-1, *(1,) * (x.ndim - 1 - axis))
    for level in thresholds.T:
        counts += x >= level.reshape(rows)
    scale, bias = frame.call.real("out_scale"), frame.call.real("out_bias")
    return np.asarray(scale * counts + bias, dtype=x.dtype)


def channel_axis(frame: Frame, rank: int) -> int:
    """Where the channels stand: the C of data_layout, else axis 1 (the last of three: QONNX reads NWC there)."""
    layout = frame.call.text("data_layout") or {2: "NC", 3: "NWC", 4: "NCHW"}.get(rank, "NC")
    axis = layout.find("C")
    if axis < 0 or axis >= rank or not layout.isalpha():
        raise frame.call.refuse(f"data layout {layout!r} of a tensor with {rank} axes")
    return axis


def xnor_popcount_matmul(frame: Frame, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How many of K bits agree, (dot + K) / 2 for bits that stand for -1 and +1."""
    for operand in (a, b):
        if ((operand != 0) & (operand != 1)).any():
            raise frame.call.refuse("counts agreements of something else than bits 0 and 1")
    if a.ndim < 1 or b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        raise frame.call.refuse(f"shapes {list(a.shape)} and {list(b.shape)} have no inner axis in common")
    shape = frame.room((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *a.shape[-2:-1], b.shape[-1]), np.float64)
    frame.room(a.shape, np.float64)
    frame.room(b.shape, np.float64)
    frame.products(prod(shape) * a.shape[-1], np.float64)
    dot = (2 * a.astype(np.float64) - 1) @ (2 * b.astype(np.float64) - 1)
    return ((dot + a.shape[-1]) / 2).astype(a.dtype)


OPERATORS: dict[str, Operator] = {
    "Quant": quant,
    "IntQuant": quant,
    "BipolarQuant": bipolar_quant,
    "Trunc": trunc,
    "MultiThreshold": multi_threshold,
    "XnorPopcountMatMul": xnor_popcount_matmul,
    "DebugMarker": lambda frame, x: x,
}

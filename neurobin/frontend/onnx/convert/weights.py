"""Which whole numbers a constant really holds: from the quantizer that made it, else from the values themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.limits import Limits
from neurobin.frontend.onnx.convert.values import Codes, Fixed
from neurobin.frontend.onnx.kinds import bits
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.operators import Frame
from neurobin.frontend.onnx.operators.quantization import along
from neurobin.frontend.onnx.operators.quantizers import bit_width, integer_range, quant_codes
from neurobin.ir import BIPOLAR, FLOAT64, TERNARY, Constant, DType, Encoding, int_for
from neurobin.ir.dtype import i, u

MAX_CODE_BITS = 16
MAX_ZERO = 2**31  # of a zero point: beyond it codes less it are no whole numbers of 64 bits


def codes_of(call: Call, operands: Sequence[np.ndarray | None], limits: Limits) -> Codes | None:
    """What a quantizer of a constant makes of it; None for other operators, and for codes of too many bits."""
    rule = _RULES.get(call.op)
    return None if rule is None else rule(Frame(call, limits), *operands)


def _bipolar(frame: Frame, x: np.ndarray, scale: np.ndarray) -> Codes:
    return Codes(np.where(x >= 0, 1, -1), scale.astype(np.float64), BIPOLAR)


def _quant(frame: Frame, x: np.ndarray, scale: np.ndarray, zero: np.ndarray, bits: np.ndarray) -> Codes | None:
    """Codes less the zero point, in the stated type where the zero point leaves it as it is."""
    width = bit_width(frame, bits)
    if width > MAX_CODE_BITS or (zero != np.rint(zero)).any() or (np.abs(zero.astype(np.float64)) > MAX_ZERO).any():
        return None
    values = (quant_codes(frame, x, scale, zero, bits) - zero).astype(np.int64)
    signed = frame.call.flag("signed")
    if zero.any():
        dtype = int_for(int(values.min()), int(values.max()))
    elif signed and width == 1:
        dtype = BIPOLAR
    elif integer_range(frame, width) == (-1, 1):
        dtype = TERNARY
    elif signed and frame.call.flag("narrow") and (values & 1).all():
        dtype = DType(Encoding.BIPOLAR, width - 1)  # odd numbers up to 2^(k-1) - 1 take a plane less
    else:
        dtype = i(width) if signed else u(width)
    return Codes(values, scale.astype(np.float64), dtype)


def _dequantized(frame: Frame, x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None = None) -> Codes | None:
    """Codes less the zero point. With scales of blocks they are those of a filter where all its blocks have one."""
    if x.ndim == 0 or bits(x.dtype) > MAX_CODE_BITS:
        return None
    values = x.astype(np.int64) - (0 if zero is None else along(frame, x, zero).astype(np.int64))
    return whole(values, along(frame, x, scale).astype(np.float64))


def whole(values: np.ndarray, scale: np.ndarray | None = None) -> Codes:
    """Whole numbers in the narrowest type that holds them."""
    magnitudes = np.abs(values)
    if magnitudes.max(initial=0) == 1:
        dtype = BIPOLAR if magnitudes.all() else TERNARY
    elif values.min(initial=0) == 0 < values.max(initial=0):
        dtype = u(int(values.max()).bit_length())
    else:
        dtype = int_for(int(values.min(initial=0)), int(values.max(initial=0)))
    return Codes(values, np.ones(1) if scale is None else scale, dtype)


def rescaled(codes: Codes, shape: tuple[int, ...], factor: np.ndarray) -> Codes | None:
    """The codes times a constant; None where that broadcasts them to another shape."""
    if np.broadcast_shapes(shape, factor.shape) != shape:
        return None
    return replace(codes, scale=codes.scale * factor)


_RULES: dict[str, Callable[..., Codes | None]] = {
    "BipolarQuant": _bipolar,
    "Quant": _quant,
    "IntQuant": _quant,
    "DequantizeLinear": _dequantized,
}


def coded(fixed: Fixed) -> Codes | None:
    """The constant's own codes; else -1, 0, +1 where each filter (axis 0) holds no other magnitude than one and 0."""
    if fixed.codes is not None:
        return fixed.codes
    values = fixed.values.astype(np.float64)
    flat = np.abs(values.reshape(len(values), -1))
    scale = flat.max(1)
    if not scale.any() or not ((flat == scale[:, None]) | (flat == 0)).all():
        return None
    scale = np.where(scale == 0, 1.0, scale)
    signs = np.sign(values).astype(np.int64)
    return Codes(signs, scale.reshape(-1, *(1,) * (values.ndim - 1)), BIPOLAR if signs.all() else TERNARY)


def whole_weight(fixed: Fixed) -> Constant:
    """Weights [O, ...] that are whole numbers themselves, in the type a quantizer gave them, else the narrowest.

    Raises UnsupportedError where they are not.
    """
    if fixed.codes is not None and (fixed.codes.scale == 1).all():
        return Constant(fixed.codes.dtype, fixed.codes.values)
    if (fixed.values != np.rint(fixed.values)).any() or np.abs(fixed.values).max(initial=0) >= 2**31:
        raise UnsupportedError("weights that are no whole numbers")
    found = whole(fixed.values.astype(np.int64))
    return Constant(found.dtype, found.values)


def weight_and_scale(fixed: Fixed) -> tuple[Constant, Constant]:
    """(weights [O, ...], scale [O] or [1]): codes with a scale per filter where there are such, else real weights and 1."""
    found = coded(fixed)
    if found is not None:
        scale = np.broadcast_to(found.scale, fixed.values.shape).reshape(len(fixed.values), -1)
        if (scale == scale[:, :1]).all():
            per_filter = scale[:, 0]
            same = (per_filter == per_filter[0]).all()
            return Constant(found.dtype, found.values), Constant(FLOAT64, per_filter[:1] if same else per_filter)
    return Constant(FLOAT64, fixed.values.astype(np.float64)), Constant(FLOAT64, np.ones(1))

"""What each 8-bit operator sums, and the arithmetic that makes levels of its sums: one rule per operator.

The factors and roundings are those of TensorFlow Lite's kernels (tensorflow/lite/kernels and kernels/internal), compared
with its interpreter on x86 value by value. Where a kernel takes several channels at a time, what is left of them is rounded
in another way; a processor without such instructions rounds all channels in that way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.staircase import Function
from neurobin.frontend.tflite.convert.conversion import Conversion
from neurobin.frontend.tflite.convert.fixed_point import MAX_SUM, divide, fixed, multiply, scaled
from neurobin.frontend.tflite.model import Operator, Tensor

_ADD_BITS = 20  # by which ADD and SUB shift their operands before they scale them
_EVERY = 2**31  # channel of a convolution


@dataclass(frozen=True)
class Sums:
    """A flow's values are unit [C or 1] times whole numbers, which `levels` turns into stored - zero point."""

    unit: np.ndarray
    levels: Function


def scale_of(tensor: Tensor) -> tuple[float, int]:
    """(scale, zero point). Raises UnsupportedError where it is not of 8 bits with one scale."""
    if tensor.kind.kind not in "iu" or tensor.kind.itemsize > 1:
        raise UnsupportedError(f"is of type {tensor.kind.name}, expected float32 or 8 bits", where=tensor.where)
    single = tensor.quantization.single if tensor.quantization else None
    if single is None:
        scales = len(tensor.quantization.scale) if tensor.quantization else 0
        raise UnsupportedError(f"is computed and has {scales} scales, expected one", where=tensor.where)
    return single


def turns(c: Conversion, operator: Operator) -> bool:
    """True for a PReLU with a slope below 0, which falls and rises: no thresholds stand for it in one."""
    if operator.op == "LEAKY_RELU":
        return operator.options["alpha"] < 0
    return operator.op == "PRELU" and bool((c.fixed(operator, 1).values < 0).any())


def _scales(c: Conversion, operator: Operator) -> tuple[np.ndarray, np.ndarray]:
    """float64 [1] and [C or 1]: the scales of the first two operands."""
    first, second = (c.tensor(operator, index) for index in range(2))
    scale = second.quantization.scale if second.quantization else np.ones(1)
    return np.array([scale_of(first)[0]]), scale


def _scaled(unit: np.ndarray, factor: np.ndarray, upwards: int = 0) -> Sums:
    """Sums that are multiplied by a factor [C or 1]; in the first `upwards` channels halves behind the shift go up."""
    return Sums(unit, lambda x, channel: multiply(x.astype(np.int64), factor[channel], channel < upwards))


def _convolution(c: Conversion, operator: Operator, scale: float) -> Sums:
    """Halves behind the shift go up in the matrix library that computes these (ruy), on ARM as on other processors."""
    x, w = _scales(c, operator)
    return _scaled(x * w, x * w / scale, _EVERY)


def _depthwise(c: Conversion, operator: Operator, scale: float) -> Sums:
    """The kernel takes 8 channels at a time, halves upwards, and what is left one by one, halves away from zero."""
    x, w = _scales(c, operator)
    channels = c.tensor(operator, 1).shape[-1]
    unit = np.broadcast_to(x * w, (channels,))
    return _scaled(unit, unit / scale, channels - channels % 8)


def _dense(c: Conversion, operator: Operator, scale: float) -> Sums:
    """As a convolution, but the product of the scales is rounded to float32."""
    x, w = _scales(c, operator)
    return _scaled(x * w, (x * w).astype(np.float32) / scale, _EVERY)


def _product(c: Conversion, operator: Operator, scale: float) -> Sums:
    a, b = _scales(c, operator)
    return _scaled(a * b, ((a * b).astype(np.float32) / np.float32(scale)).astype(np.float64))


def _sum(c: Conversion, operator: Operator, scale: float) -> Sums:
    """Operands are shifted, scaled to twice the larger scale, rounded there to a millionth, and added."""
    a, b = _scales(c, operator)
    unit = 2 * np.maximum(a, b) / 2**_ADD_BITS
    return _scaled(unit, unit / scale)


def _requantized(c: Conversion, operator: Operator, scale: float) -> Sums:
    before = np.array([scale_of(c.tensor(operator, 0))[0]])
    return _scaled(before, before / scale)


def _prelu(c: Conversion, operator: Operator, scale: float) -> Sums:
    """Slopes are whole numbers of a scale of their own, one for all or one per channel."""
    x, w = _scales(c, operator)
    slope = c.fixed(operator, 1).codes
    if slope is None or w.size > 1:
        raise UnsupportedError("slopes that are not of 8 bits with one scale", where=operator.where)
    return _two_slopes(x, x / scale, slope.values.reshape(-1), x * w / scale)


def _leaky_relu(c: Conversion, operator: Operator, scale: float) -> Sums:
    before, alpha = np.array([scale_of(c.tensor(operator, 0))[0]]), float(operator.options["alpha"])
    return _two_slopes(before, before / scale, np.ones(1, np.int64), before * alpha / scale)


def _two_slopes(unit: np.ndarray, identity: np.ndarray, slope: np.ndarray, factor: np.ndarray) -> Sums:
    """x times `identity` where it is not negative, else x times slope [C or 1] times `factor`."""

    def levels(x: np.ndarray, channel: np.ndarray) -> np.ndarray:
        wide = np.clip(x.astype(np.int64), -MAX_SUM, MAX_SUM)
        below = multiply(wide * slope[channel % slope.size], np.full(x.shape, factor[0]))
        return np.where(wide >= 0, multiply(wide, np.full(x.shape, identity[0])), below)

    return Sums(np.repeat(unit, slope.size), levels)


def _average_pool(c: Conversion, operator: Operator, scale: float) -> Sums:
    """The mean of what is stored, zero points and all, halves away from zero.

    In units of half a cell of a whole window every tie is a whole number, and so lies half a unit from its threshold. Where
    padding is left out, sums of fewer cells times count / cells are no whole numbers, but they lie on ties or at least one
    unit away from them.
    """
    before, shift = scale_of(c.tensor(operator, 0))
    count = 2 * operator.positive("filter_height") * operator.positive("filter_width")
    return Sums(np.array([before / count]), lambda x, _: divide(x.astype(np.int64) + count * shift, count) - shift)


def _mean(c: Conversion, operator: Operator, scale: float) -> Sums:
    """The sum times one factor, in which the count is divided out, rounded down (reduce.cc)."""
    tensor = c.tensor(operator, 0)
    before, shift = scale_of(tensor)
    count, channels = tensor.shape[1] * tensor.shape[2], tensor.shape[3]
    if operator.flag("keep_dims"):
        return _mean_by_lanes(before, shift, scale, count, channels)
    m, exponent = (int(part[0]) for part in fixed(np.array([before / scale])))
    moved = min(count.bit_length() - 1, 32, max(31 + exponent, 0))
    m, exponent = (m << moved) // count, exponent - moved
    return Sums(np.array([before / count]), lambda x, _: scaled(x.astype(np.int64), np.array(m), np.array(exponent)))


def _mean_by_lanes(before: float, shift: int, scale: float, count: int, channels: int) -> Sums:
    """Where the axes are kept another kernel computes it (optimized/integer_ops/mean.h).

    It sums what is stored, moves the zero points by one rounded number, and takes 16 channels at a time, halves upwards.
    """
    factor = float(np.float32(before) / (np.float32(count) * np.float32(scale)))
    moved = np.float32(shift) * np.float32(before) / np.float32(scale)
    bias = -int(np.clip(np.copysign(np.floor(np.abs(moved) + np.float32(0.5)), moved), -MAX_SUM, MAX_SUM))

    def levels(x: np.ndarray, channel: np.ndarray) -> np.ndarray:
        sums = x.astype(np.int64) + count * shift
        return multiply(sums, np.full(sums.shape, factor), channel < channels - channels % 16) + bias

    return Sums(np.full(channels, before / count), levels)


SUMS: dict[str, Callable[[Conversion, Operator, float], Sums]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "ADD": _sum,
    "SUB": _sum,
    "MUL": _product,
    "QUANTIZE": _requantized,
    "RELU": _requantized,
    "RELU6": _requantized,
    "RELU_N1_TO_1": _requantized,
    "RELU_0_TO_1": _requantized,
    "PRELU": _prelu,
    "LEAKY_RELU": _leaky_relu,
    "AVERAGE_POOL_2D": _average_pool,
    "MEAN": _mean,
}


def summed(c: Conversion, operator: Operator) -> bool:
    """True where an operator makes 8-bit levels of sums of 8-bit numbers, by a rule of this file."""
    if operator.op not in SUMS:
        return False
    numbers = 2 if operator.op in ("ADD", "SUB", "MUL") else 1  # operands behind those are weights, axes, sizes
    tensors = [*(c.tensor(operator, index) for index in range(numbers)), c.model.tensors[operator.outputs[0]]]
    return all(tensor.kind.kind in "iu" for tensor in tensors)

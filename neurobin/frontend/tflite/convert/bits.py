"""Larq Compute Engine's four operators (github.com/larq/compute-engine, larq_compute_engine/tflite/kernels and core).

Tensors of bits are int32 words along the channels; bit 0 stands for +1 and 1 for -1, and x becomes +1 where x >= 0.
"""

from __future__ import annotations

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import real
from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.tflite.convert.activations import NONE, activated
from neurobin.frontend.tflite.convert.conversion import WORD, Conversion
from neurobin.frontend.tflite.convert.quantize import SUM, stairs
from neurobin.frontend.tflite.convert.sums import scale_of
from neurobin.frontend.tflite.convert.windows import pool_window, window
from neurobin.frontend.tflite.model import Operator, Tensor
from neurobin.ir import BIPOLAR, Constant
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.max_pool2d import MaxPool2d
from neurobin.ops.sign import Sign

_BITS, _REAL = np.dtype("<i4"), np.dtype("<f4")


def quantize(c: Conversion, operator: Operator) -> Flow:
    """Numbers -> bits. An 8-bit number is compared with its zero point, which stands for 0."""
    _expect_bits(c, operator)
    return c.add(Sign(), c.flow(operator, 0))


def dequantize(c: Conversion, operator: Operator) -> Flow:
    """Bits -> -1 and +1, as far as the output's type holds them."""
    flow, tensor = c.flow(operator, 0, bits=True), _output(c, operator)
    if tensor.kind == _REAL:
        return flow
    # The two levels nearest to zero +- 1 / scale.
    scale, zero = scale_of(tensor)
    step, ends = int(np.floor(1 / scale + 0.5)), np.iinfo(tensor.kind)
    high, low = scale * (min(ends.max, zero + step) - zero), scale * (max(ends.min, zero - step) - zero)
    return c.affine(flow, (high - low) / 2, (high + low) / 2)


def max_pool(c: Conversion, operator: Operator) -> Flow:
    """The maximum of bits: +1 where one of the window is. Padding never wins."""
    _expect_bits(c, operator)
    x = c.map(operator, 0, bits=True)
    over = pool_window(operator, x)
    return c.add(MaxPool2d(over.kernel, over.stride, over.padding), x)


def convolution(c: Conversion, operator: Operator) -> Flow:
    """A convolution of bits with bits.

    The kernel counts differing bits: p of K = KH KW C / groups, so the sum of products is s = K - 2 p. What it writes is

        float32   multiplier[o] act(s) + bias[o], computed as (-m) (2 p) + (b + K m) with act's bounds moved likewise
        int8      the same over the output's scale, plus its zero point, in float32, rounded with halves away from zero
        bits      -1 where p > threshold[o], so +1 where s >= K - 2 threshold[o]; the activation is in the threshold
    """
    x, target = c.map(operator, 0, bits=True), _output(c, operator)
    if operator.integer("channels_in") != x.channels:
        raise operator.refuse(f"channels_in is {operator.integer('channels_in')}, the input has {x.channels} channels")
    weights, groups = _filters(c, operator, x)
    over = window(operator, x, (weights.shape[1], weights.shape[2]), dilated=True)
    ones = operator.flag("pad_values")
    padded = any(over.padding)
    plain = target.kind == _REAL and operator.integer("fused_activation_function") == NONE
    if padded and not ones and not plain and x.channels // groups % 2:
        what = "padding with zeros, an odd number of channels and other output than plain real numbers: no kernel does that"
        raise UnsupportedError(what, where=operator.where)
    op = Conv2d(
        Constant(BIPOLAR, weights),
        stride=over.stride,
        padding=over.padding,
        pad_value=int(ones and padded),
        dilation=over.dilation,
        groups=groups,
    )
    sums = c.add(op, x)
    if target.kind == _BITS:
        limit = weights[0].size - 2 * _per_filter(c, operator, 4, "<i4", len(weights)).astype(np.float64)
        return c.add(Sign(real(limit)), sums)
    multiplier, bias = (_per_filter(c, operator, index, "<f4", len(weights)) for index in (2, 3))
    sums = activated(c, operator, sums)
    if target.kind == _REAL:
        return c.affine(sums, multiplier, bias)
    scale, zero = scale_of(target)
    products = weights[0].size
    slope = (-multiplier / scale).astype(np.float32)
    start = ((bias + products * multiplier) / scale + zero).astype(np.float32)

    def levels(s: np.ndarray, channel: np.ndarray) -> np.ndarray:
        y = (products - s.astype(np.int64)).astype(np.float32) * slope[channel] + start[channel]
        return np.copysign(np.floor(np.abs(y) + np.float32(0.5)), y) - zero

    return stairs(c, sums, target, levels, len(weights), SUM, np.ones(1))


def _filters(c: Conversion, operator: Operator, x: Flow) -> tuple[np.ndarray, int]:
    """(-1 and +1 [O, KH, KW, C / groups], groups). Groups hold whole words, and are known by how many a filter has."""
    tensor = c.tensor(operator, 1)
    if len(tensor.shape) != 4 or min(tensor.shape) < 1:
        raise tensor.refuse(f"has shape {list(tensor.shape)}, expected filters [O, KH, KW, words]")
    words, held = tensor.shape[3], -(-x.channels // WORD)
    groups = held // words if words <= held and held % words == 0 else 0
    if groups == 0 or (groups > 1 and (x.channels % groups or x.channels // groups % WORD)):
        raise tensor.refuse(f"has {words} words for each place, the input {held} ({x.channels} channels)")
    return c.bits(operator, 1, x.channels // groups), groups


def _per_filter(c: Conversion, operator: Operator, index: int, kind: str, filters: int) -> np.ndarray:
    """A constant with one number per filter."""
    values = c.data(operator, index)
    if values.dtype != np.dtype(kind) or values.shape != (filters,):
        found = f"{values.dtype.name}{list(values.shape)}"
        raise operator.refuse(f"input {index} is {found}, expected {np.dtype(kind).name}[{filters}]")
    return values if values.dtype.kind == "i" else c.fixed(operator, index).values


def _output(c: Conversion, operator: Operator) -> Tensor:
    return c.model.tensors[operator.outputs[0]]


def _expect_bits(c: Conversion, operator: Operator) -> None:
    tensor = _output(c, operator)
    if tensor.kind != _BITS:
        raise operator.refuse(f"{tensor.where} is of type {tensor.kind.name}, expected bits in int32")

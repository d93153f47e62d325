"""Convolutions, matrix products and batch norm, plain and Larq's.

A layer quantizes what it reads, pads it where asked with `pad_values`, multiplies with quantized weights, adds the bias, and
applies its activation. Kernels are [KH, KW, C / groups, O], of depthwise layers [KH, KW, C, M]: channel c becomes channels
c M to c M + M - 1.
"""

from __future__ import annotations

from math import prod

import numpy as np

from neurobin.frontend.keras.convert.activations import activated
from neurobin.frontend.keras.convert.conversion import Conversion
from neurobin.frontend.keras.convert.names import named
from neurobin.frontend.keras.convert.quantizers import quantized
from neurobin.frontend.keras.model import Call
from neurobin.frontend.onnx.convert.conversion import alike, real
from neurobin.frontend.onnx.convert.values import Fixed
from neurobin.frontend.onnx.convert.weights import weight_and_scale
from neurobin.frontend.windows import same_window
from neurobin.ops._window import Window
from neurobin.ops.batch_norm import BatchNorm
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense


def convolution(c: Conversion, call: Call) -> str:
    layer = call.layer
    x = _read(c, call)
    groups, filters, channels = layer.whole("groups", 1), layer.whole("filters"), c.shape(x)[-1]
    if channels % groups or filters % groups:
        raise layer.refuse(f"{groups} groups of {channels} channels and {filters} filters")
    kernel = _kernel(c, call, "kernel", "kernel", (*layer.pair("kernel_size"), channels // groups, filters))
    weight = kernel.map(lambda array: array.transpose(3, 0, 1, 2))
    return _finished(c, call, _convolve(c, call, x, weight, groups))


def depthwise(c: Conversion, call: Call) -> str:
    return _finished(c, call, _depthwise(c, call, _read(c, call)))


def separable(c: Conversion, call: Call) -> str:
    """A depthwise convolution, then one of single places, with nothing between them."""
    x = _depthwise(c, call, _read(c, call))
    kernel = _kernel(c, call, "pointwise_kernel", "pointwise", (1, 1, c.shape(x)[-1], call.layer.whole("filters")))
    c.count(call, prod(c.shape(x)) * kernel.values.shape[3])
    values, scale = weight_and_scale(kernel.map(lambda array: array.transpose(3, 0, 1, 2)))
    return _finished(c, call, c.add(Conv2d(values, scale), x))


def _depthwise(c: Conversion, call: Call, x: str) -> str:
    layer, channels = call.layer, c.shape(x)[-1]
    shape = (*layer.pair("kernel_size"), channels, layer.whole("depth_multiplier", 1))
    kernel = _kernel(c, call, "depthwise_kernel", "depthwise", shape)
    filters = (channels * shape[3], *shape[:2], 1)
    return _convolve(c, call, x, kernel.map(lambda array: array.transpose(2, 3, 0, 1).reshape(filters)), channels)


def dense(c: Conversion, call: Call) -> str:
    """Vectors times a matrix [F, O]; at each place of a map, where it reads one."""
    x = activated(c, call, c.input(call), "input_quantizer")
    features, units = c.shape(x)[-1], call.layer.whole("units")
    kernel = _kernel(c, call, "kernel", "kernel", (features, units)).map(np.transpose)
    c.count(call, prod(c.shape(x)) * units)
    if len(c.shape(x)) == 3:
        values, scale = weight_and_scale(kernel.map(lambda array: array.reshape(units, 1, 1, features)))
        return _finished(c, call, c.add(Conv2d(values, scale), x))
    values, scale = weight_and_scale(kernel)
    return _finished(c, call, c.add(Dense(values, scale), x))


def _read(c: Conversion, call: Call) -> str:
    """The map that a layer reads, behind its quantizer."""
    c.map(call)
    return activated(c, call, c.input(call), "input_quantizer")


def _kernel(c: Conversion, call: Call, role: str, part: str, shape: tuple[int, ...]) -> Fixed:
    return quantized(named(call.layer, f"{part}_quantizer"), c.weight(call, role, shape))


def _convolve(c: Conversion, call: Call, x: str, weight: Fixed, groups: int) -> str:
    """Filters [O, KH, KW, C / groups] over a map."""
    window, fill = _window(c, call, x, (weight.values.shape[1], weight.values.shape[2]))
    c.pad(call, window.padding, x)
    values, scale = weight_and_scale(weight)
    op = Conv2d(values, scale, window.stride, window.padding, fill, window.dilation, groups)
    sums = c.add(op, x)
    c.count(call, prod(c.shape(sums)) * weight.values[0].size)
    return sums


def _window(c: Conversion, call: Call, x: str, kernel: tuple[int, int]) -> tuple[Window, int]:
    """(the layer's window, what it pads with)."""
    layer = call.layer
    stride, dilation, mode = (
        layer.pair("strides", (1, 1)),
        layer.pair("dilation_rate", (1, 1)),
        layer.text("padding", "valid"),
    )
    if mode == "valid":
        return Window(kernel, stride, (0, 0, 0, 0), dilation), 0
    if mode != "same":
        raise layer.unsupported(f"padding {mode[:40]!r}, expected same or valid")
    window, value = same_window(c.shape(x), kernel, stride, dilation), layer.real("pad_values", 0.0)
    if not value.is_integer() or abs(value) > 127:
        raise layer.unsupported(f"pads with {value}, expected a small whole number")
    return window, int(value) if any(window.padding) else 0


def _finished(c: Conversion, call: Call, sums: str) -> str:
    """Plus the bias, where there is one, and the activation."""
    if "bias" in c.weights[call.layer.path]:
        sums = c.affine(sums, bias=c.weight(call, "bias", (c.shape(sums)[-1],)))
    return activated(c, call, sums)


def batch_norm(c: Conversion, call: Call) -> str:
    """Over the channels, with what was learned of scale and centre."""
    layer, x = call.layer, c.input(call)
    rank, stated = len(c.shape(x)) + 1, layer.config.get("axis", -1)
    axes = stated if isinstance(stated, list) else [stated]
    if axes not in ([-1], [rank - 1]):
        raise layer.unsupported(f"normalises axis {axes[:4]} of {rank}, expected the last")
    shape, epsilon = (c.shape(x)[-1],), layer.real("epsilon", 1e-3)
    own = c.weights[layer.path]
    gamma = c.weight(call, "gamma", shape) if "gamma" in own else np.ones(1)
    beta = c.weight(call, "beta", shape) if "beta" in own else np.zeros(1)
    mean, variance = (c.weight(call, role, shape) for role in ("moving_mean", "moving_variance"))
    roots = variance.astype(np.float64) + epsilon
    if not (roots > 0).all():
        index = int(np.argmin(roots > 0))
        raise layer.refuse(f"variance is {variance[index]} at [{index}], with epsilon {epsilon:.6g} it has no square root")
    return c.add(BatchNorm(real(alike(gamma)), real(alike(beta)), real(mean), real(variance), epsilon), x)

"""Convolutions, matrix products and pools of real (or quantized) numbers."""

from __future__ import annotations

from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.values import Fixed, Flow
from neurobin.frontend.onnx.convert.weights import weight_and_scale
from neurobin.frontend.tflite.convert.activations import activated
from neurobin.frontend.tflite.convert.conversion import Conversion
from neurobin.frontend.tflite.convert.windows import pool_window, window
from neurobin.frontend.tflite.model import Operator
from neurobin.frontend.windows import cells
from neurobin.ir import FLOAT64, Constant
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.max_pool2d import MaxPool2d
from neurobin.ops.position_scale import PositionScale


def convolution(c: Conversion, operator: Operator) -> Flow:
    """Filters [O, KH, KW, C / groups]; the groups are known by their channels."""
    x, weight = c.map(operator, 0), _weight(c, operator, 4, 0)
    depth = weight.values.shape[3]
    if x.channels % depth:
        raise operator.refuse(f"{x.channels} channels for filters of shape {list(weight.values.shape)}")
    return _convolve(c, operator, x, weight, x.channels // depth)


def depthwise(c: Conversion, operator: Operator) -> Flow:
    """Filters [1, KH, KW, C M]: channel c becomes channels c M to c M + M - 1."""
    x, weight = c.map(operator, 0), _weight(c, operator, 4, 3)
    shape = weight.values.shape
    if shape[0] != 1 or shape[3] % x.channels:
        raise operator.refuse(f"{x.channels} channels for filters of shape {list(shape)}, expected [1, KH, KW, C M]")
    return _convolve(c, operator, x, weight.map(lambda array: array.transpose(3, 1, 2, 0)), x.channels)


def _convolve(c: Conversion, operator: Operator, x: Flow, weight: Fixed, groups: int) -> Flow:
    """Padding is with zeros, which a quantized input stores as its zero point."""
    _, height, width, _ = weight.values.shape
    over = window(operator, x, (height, width), dilated=True)
    values, scale = weight_and_scale(weight)
    op = Conv2d(values, scale, over.stride, over.padding, 0, over.dilation, groups)
    return activated(c, operator, _biased(c, operator, c.add(op, x)))


def dense(c: Conversion, operator: Operator) -> Flow:
    """Vectors, or maps as vectors, times a matrix [O, F]."""
    x, weight = c.flow(operator, 0), _weight(c, operator, 2, 0)
    if operator.integer("weights_format"):
        raise UnsupportedError("weights that are shuffled for a processor", where=operator.where)
    if prod(x.sizes) != weight.values.shape[1]:
        shapes = f"{list(x.shape)} and {list(weight.values.shape)}"
        raise UnsupportedError(f"a product of shapes {shapes}, expected one vector per image", where=operator.where)
    values, scale = weight_and_scale(weight)
    products = c.add(Dense(values, scale), c.shaped(operator, x, (prod(x.sizes),)))
    result = activated(c, operator, _biased(c, operator, products))
    stated = c.model.tensors[operator.outputs[0]].shape
    return c.shaped(operator, result, stated[1:]) if len(stated) > 2 else result


def _weight(c: Conversion, operator: Operator, axes: int, filters: int) -> Fixed:
    """Weights of that many axes, with one scale or one per index of the axis of filters.

    Raises UnsupportedError for 8-bit ones of a real input: TFLite rounds that by itself.
    """
    weight, tensor = c.fixed(operator, 1), c.tensor(operator, 1)
    if weight.values.ndim != axes or not weight.values.size:
        raise tensor.refuse(f"has shape {list(weight.values.shape)}, expected weights of {axes} axes")
    integers = tensor.kind.kind in "iu"
    if integers != (c.tensor(operator, 0).kind.kind in "iu"):
        kinds = f"{c.tensor(operator, 0).kind.name} input and {tensor.kind.name} weights"
        raise UnsupportedError(f"{kinds}, whose ranges are found while it runs", where=operator.where)
    if integers and tensor.quantization is not None:
        if tensor.kind.itemsize > 1:
            raise UnsupportedError(f"{tensor.where} is of type {tensor.kind.name}, expected 8 bits", where=operator.where)
        if tensor.kind.kind == "i" and tensor.quantization.zero_point.any():
            raise tensor.refuse("is an 8-bit weight with a zero point, expected 0")
        if tensor.quantization.single is None and tensor.quantization.axis != filters:
            raise tensor.refuse(f"has scales along axis {tensor.quantization.axis}, expected {filters}, one per filter")
    return weight


def _biased(c: Conversion, operator: Operator, sums: Flow) -> Flow:
    """Plus the bias: real, or whole numbers each worth the input's scale times the filter's."""
    if operator.input(2) < 0:
        return sums
    tensor = c.tensor(operator, 2)
    if tensor.shape not in ((sums.channels,), (1,)):
        raise tensor.refuse(f"has shape {list(tensor.shape)}, expected a bias for {sums.channels} channels")
    if tensor.kind.kind == "f":
        return c.affine(sums, bias=c.fixed(operator, 2).values)
    source, filters = (c.tensor(operator, index).quantization for index in range(2))
    if tensor.kind != np.dtype("<i4") or source is None or source.single is None or filters is None:
        raise UnsupportedError(f"a bias of type {tensor.kind.name} without scales", where=operator.where)
    return c.affine(sums, bias=c.data(operator, 2).astype(np.float64) * (source.single[0] * filters.scale))


def max_pool(c: Conversion, operator: Operator) -> Flow:
    x = c.map(operator, 0)
    over = pool_window(operator, x)
    return activated(c, operator, c.add(MaxPool2d(over.kernel, over.stride, over.padding), x))


def average_pool(c: Conversion, operator: Operator) -> Flow:
    """The mean of what is not padding: where a window reaches over the edge, the mean with zeros times taps / cells."""
    x = c.map(operator, 0)
    over = pool_window(operator, x)
    pooled = c.add(AvgPool2d(over.kernel, over.stride, over.padding), x)
    if any(over.padding):
        c.limits.check("input_elements", pooled.sizes[0] * pooled.sizes[1], "the number of windows", operator.where)
        pooled = c.add(PositionScale(Constant(FLOAT64, over.taps / cells(over, x.sizes))), pooled)
    return activated(c, operator, pooled)


def mean(c: Conversion, operator: Operator) -> Flow:
    """The mean over height and width."""
    x = c.map(operator, 0)
    axes = sorted(axis + 4 if axis < 0 else axis for axis in c.numbers(operator, 1))
    if axes != [1, 2]:
        raise UnsupportedError(f"a mean over axes {axes} of a map, expected 1 and 2", where=operator.where)
    pooled = c.add(AvgPool2d((x.sizes[0], x.sizes[1]), (1, 1)), x)
    return pooled if operator.flag("keep_dims") else c.shaped(operator, pooled, (x.channels,))

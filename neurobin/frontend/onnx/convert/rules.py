"""What every operator that is not on single elements becomes in the graph: layers, pools, views, joins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import Conversion, real
from neurobin.frontend.onnx.convert.values import BATCH, Fixed, Flow, per_channel
from neurobin.frontend.onnx.convert.weights import weight_and_scale
from neurobin.frontend.onnx.domains import CHANNELS_LAST, QONNX, STANDARD
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.operators import Frame
from neurobin.frontend.onnx.operators._window import Window, window
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.channel_sum import ChannelSum
from neurobin.ops.concat import Concat
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.flatten import Flatten
from neurobin.ops.max_pool2d import MaxPool2d
from neurobin.ops.multiply import Multiply
from neurobin.ops.pad import Pad
from neurobin.ops.reshape import Reshape
from neurobin.ops.slice import Slice

Result = Flow | tuple[Flow, ...]
Rule = Callable[[Conversion, Call], Result]
MAP = (BATCH, 2, 0, 1)  # [N, C, H, W] of a graph's [H, W, C]
LAST = (BATCH, 0, 1, 2)


def _window(c: Conversion, call: Call, flow: Flow, kernel: Sequence[int]) -> Window:
    return window(Frame(call, c.limits), flow.sizes[:2], tuple(kernel))


def _pads(over: Window) -> tuple[int, int, int, int]:
    return (over.begins[0], over.begins[1], over.ends[0], over.ends[1])


def _two(values: Sequence[int]) -> tuple[int, int]:
    return (int(values[0]), int(values[1]))


def _conv(c: Conversion, call: Call, *, first: bool = True) -> Flow:
    """[M, C/g, KH, KW] filters -> [M, KH, KW, C/g]; the bias is an affine map."""
    x = c.flow(call.inputs[0])
    weight = c.fixed(call, 1)
    if weight is None or weight.values.ndim != 4:
        rank = "no" if weight is None else weight.values.ndim - 2
        raise UnsupportedError(f"a convolution over {rank} axes, expected two", where=call.where)
    x = x.as_map(call, first)
    kernel = call.integers("kernel_shape") or weight.values.shape[2:]
    groups = call.integer("group")
    if tuple(kernel) != weight.values.shape[2:] or groups < 1 or x.channels != groups * weight.values.shape[1]:
        raise call.refuse(f"{x.channels} channels in {groups} groups with weights of shape {list(weight.values.shape)}")
    over = _window(c, call, x, kernel)
    values, scale = weight_and_scale(weight.map(lambda array: array.transpose(0, 2, 3, 1)))
    op = Conv2d(values, scale, _two(over.strides), _pads(over), 0, _two(over.dilations), groups)
    return _with_bias(c, call, c.add(op, x), 2)


def _with_bias(c: Conversion, call: Call, flow: Flow, index: int, factor: float = 1.0) -> Flow:
    bias = c.fixed(call, index)
    if bias is None or not bias.values.any():
        return flow
    values = bias.values if bias.values.ndim != 1 else bias.values.reshape(-1)
    return c.add(Affine(bias=real(factor * values.astype(np.float64).reshape(-1))), flow)


def _dense(c: Conversion, call: Call, weight: Fixed, factor: float = 1.0) -> Flow:
    """A product with a constant [I, O] on its right."""
    x = c.flow(call.inputs[0])
    if weight.values.ndim != 2 or x.order != (BATCH, 0):
        shapes = f"{list(x.shape)} and {list(weight.values.shape)}"
        raise UnsupportedError(f"a product of shapes {shapes}, expected vectors times one matrix", where=call.where)
    if weight.values.shape[0] != x.channels:
        raise call.refuse(f"shapes {list(x.shape)} and {list(weight.values.shape)} have no inner axis in common")
    values, scale = weight_and_scale(weight.map(lambda array: array.T))
    return c.add(Dense(values, real(scale.values * factor)), x)


def _matmul(c: Conversion, call: Call) -> Flow:
    weight = c.fixed(call, 1)
    assert weight is not None
    return _dense(c, call, weight)


def _gemm(c: Conversion, call: Call) -> Flow:
    weight = c.fixed(call, 1)
    assert weight is not None
    if call.integer("transA"):
        raise UnsupportedError("multiplies with the transposed image (transA)", where=call.where)
    if call.integer("transB"):
        weight = weight.map(np.transpose)
    return _with_bias(c, call, _dense(c, call, weight, call.real("alpha")), 2, call.real("beta"))


def _max_pool(c: Conversion, call: Call, *, first: bool = True) -> Flow:
    x = c.flow(call.inputs[0]).as_map(call, first)
    over = _window(c, call, x, call.integers("kernel_shape") or ())
    if len(call.outputs) > 1 and call.outputs[1]:
        raise UnsupportedError("the places of the largest values", where=call.where)
    return c.add(MaxPool2d(_two(over.kernel), _two(over.strides), _reaching(over, x), _two(over.dilations)), x)


def _reaching(over: Window, x: Flow) -> tuple[int, int, int, int]:
    """Padding at the ends as far as windows reach: rounding up may read beyond it, or leave a part of it out."""
    ends = []
    for axis in range(2):
        reach = (over.sizes[axis] - 1) * over.strides[axis] + over.dilations[axis] * (over.kernel[axis] - 1) + 1
        ends.append(max(over.ends[axis], reach - over.begins[axis] - x.sizes[axis]))
    return (over.begins[0], over.begins[1], ends[0], ends[1])


def _average_pool(c: Conversion, call: Call) -> Flow:
    x = c.flow(call.inputs[0]).as_map(call)
    over = _window(c, call, x, call.integers("kernel_shape") or ())
    pads = _pads(over)
    if _reaching(over, x) != pads or over.dilations != (1, 1):
        raise UnsupportedError("a mean of windows that reach beyond the padding, or are dilated", where=call.where)
    if any(pads) and not call.attributes.get("count_include_pad", 0):
        raise UnsupportedError("a mean over what is not padding (count_include_pad=0)", where=call.where)
    return c.add(AvgPool2d(_two(over.kernel), _two(over.strides), pads), x)


def _global_average(c: Conversion, call: Call) -> Flow:
    x = c.flow(call.inputs[0]).as_map(call)
    return c.add(AvgPool2d(x.sizes[:2], (1, 1)), x)  # type: ignore[arg-type]


def _global_max(c: Conversion, call: Call) -> Flow:
    x = c.flow(call.inputs[0]).as_map(call)
    return c.add(MaxPool2d(x.sizes[:2], (1, 1)), x)  # type: ignore[arg-type]


def _reduce(c: Conversion, call: Call) -> Flow:
    """A mean over height and width is a global pool; a sum over the channels is one."""
    x = c.flow(call.inputs[0]).as_map(call)
    axes = call.integers("axes")
    if axes is None:
        given = c.fixed(call, 1)
        axes = None if given is None else tuple(int(axis) for axis in given.values.reshape(-1))
    wanted = set(Frame(call, c.limits).axes(axes, 4)) if axes is not None else set(range(4))
    if call.op == "ReduceMean" and wanted == {2, 3}:
        pooled = c.add(AvgPool2d(x.sizes[:2], (1, 1)), x)  # type: ignore[arg-type]
        return pooled if call.integer("keepdims") else view(c, call, pooled, (x.batch, x.channels))
    if call.op == "ReduceSum" and wanted == {1} and call.integer("keepdims"):
        return c.add(ChannelSum(), x)
    raise UnsupportedError(f"reduces axes {sorted(wanted)} of a map", where=call.where)


def view(c: Conversion, call: Call, x: Flow, shape: tuple[int, ...]) -> Flow:
    """The flow in another shape, as ONNX counts its elements: sizes of 1 come and go, and maps become vectors."""
    if shape == x.shape:
        return x
    wanted = shape
    if len(shape) == 2 and shape == (x.batch, prod(x.sizes)):
        if x.order == MAP:
            return c.add(Flatten(channels_first=x.sizes[0] * x.sizes[1] > 1), x, order=(BATCH, 0))
        if x.order == (BATCH, *range(len(x.sizes))):
            return c.add(Flatten(), x, order=(BATCH, 0))
    if x.order == (BATCH, 0) and len(shape) == 4 and shape[0] == x.batch:
        if shape[2:] == (1, 1):
            return c.add(Reshape((1, 1, shape[1])), x, order=MAP)
        if shape[1] == 1:
            return c.add(Reshape((shape[2], shape[3], 1)), x, order=MAP)
    if prod(shape) != prod(x.shape):
        raise call.refuse(f"{prod(x.shape)} elements do not fill shape {list(wanted)}")
    raise UnsupportedError(f"shape {list(shape)} from {list(x.shape)}", where=call.where)


def _shaped(c: Conversion, call: Call) -> Flow:
    """Reshape, Flatten, Squeeze, Unsqueeze: the evaluator says which shape it is, from a stand-in of the same shape."""
    from neurobin.frontend.onnx.evaluate import execute_on

    x = c.flow(call.inputs[0])
    stand_in = np.broadcast_to(np.float32(0), x.shape)
    operands = [stand_in, *(c.parameter(call, index) for index in range(1, len(call.inputs)))]
    return view(c, call, x, execute_on(call, operands, c.limits)[0].shape)


def _transpose(c: Conversion, call: Call) -> Flow:
    """Only the order in which ONNX sees the axes changes; the graph's tensor stays."""
    x = c.flow(call.inputs[0])
    order = call.integers("perm") or tuple(reversed(range(len(x.order))))
    if sorted(order) != list(range(len(x.order))):
        raise call.refuse(f"{list(order)} is no order of {len(x.order)} axes")
    return Flow(x.name, tuple(x.order[axis] for axis in order), x.sizes, x.batch)


def _pad(c: Conversion, call: Call) -> Flow:
    """Padding of height and width with one whole number; negative padding is not here."""
    x = c.flow(call.inputs[0])
    pads = call.integers("pads") or tuple(int(pad) for pad in c.parameter(call, 1).reshape(-1))
    fill = c.fixed(call, 2)
    value = float(call.attributes.get("value", 0.0) if fill is None else fill.values.reshape(-1)[0])  # type: ignore[arg-type]
    axes = c.fixed(call, 3)
    rank = len(x.order)
    along = (
        tuple(range(rank)) if axes is None else Frame(call, c.limits).axes([int(a) for a in axes.values.reshape(-1)], rank)
    )
    if len(pads) != 2 * len(along):
        raise call.refuse(f"pads {list(pads)} for {len(along)} axes")
    around = dict.fromkeys(range(-1, 3), (0, 0))
    for place, axis in enumerate(along):
        around[x.order[axis]] = (pads[place], pads[place + len(along)])
    if not any(pads):
        return x
    outside = around[BATCH] != (0, 0) or around[2] != (0, 0)
    if not x.is_map or outside or min(pads) < 0 or call.text("mode") != "constant" or not value.is_integer():
        raise UnsupportedError(f"pads {list(pads)} with {value} in mode {call.text('mode')!r}", where=call.where)
    (top, bottom), (left, right) = around[0], around[1]
    return c.add(Pad((top, left, bottom, right), int(value)), x)


def _concat(c: Conversion, call: Call) -> Flow:
    parts = [c.flow(name) for name in call.inputs]
    axis = Frame(call, c.limits).axis(call.integer("axis"), len(parts[0].order))
    if any(part.order != parts[0].order for part in parts) or axis != parts[0].channel_axis:
        raise UnsupportedError(f"joins axis {axis}, which is not the channels'", where=call.where)
    if len(parts) == 1:
        return parts[0]
    names = _equal_types(c, parts)
    return c.add(Concat(), names[0], *(part.name for part in names[1:]))


def _equal_types(c: Conversion, parts: list[Flow]) -> list[Flow]:
    """The parts, made real where their types differ."""
    kinds = {c.builder.types[part.name].dtype for part in parts}
    return parts if len(kinds) == 1 else [c.add(Affine(), part) for part in parts]


def _split(c: Conversion, call: Call) -> tuple[Flow, ...]:
    x = c.flow(call.inputs[0])
    axis = Frame(call, c.limits).axis(call.integer("axis"), len(x.order))
    if axis != x.channel_axis:
        raise UnsupportedError(f"splits axis {axis}, which is not the channels'", where=call.where)
    from neurobin.frontend.onnx.evaluate import execute_on

    numbers = np.arange(x.channels).reshape([x.channels if a == axis else 1 for a in range(len(x.order))])
    operands = [numbers, *(c.parameter(call, index) for index in range(1, len(call.inputs)))]
    parts = [part.reshape(-1) for part in execute_on(call, operands, c.limits)]
    return tuple(c.add(Slice(int(part[0]), int(part[-1]) + 1), x) for part in parts)


def _slice(c: Conversion, call: Call) -> Flow:
    """A range of channels; other axes must stay whole."""
    from neurobin.frontend.onnx.evaluate import execute_on

    x = c.flow(call.inputs[0])
    rank = len(x.order)
    places = np.arange(prod(x.shape)).reshape(x.shape)
    operands = [places, *(None if not name else c.parameter(call, i) for i, name in enumerate(call.inputs) if i)]
    kept = execute_on(call, operands, c.limits)[0]
    axis = x.channel_axis
    whole = all(kept.shape[a] == x.shape[a] for a in range(rank) if a != axis)
    channels = (np.moveaxis(kept, axis, -1).reshape(-1, kept.shape[axis])[0] // prod(x.shape[axis + 1 :])) % x.channels
    first = int(channels[0]) if len(channels) else 0
    if not whole or not len(channels) or not np.array_equal(channels, np.arange(first, first + len(channels))):
        raise UnsupportedError("takes something else than a range of channels", where=call.where)
    if not np.array_equal(kept, np.take(places, channels, axis)):
        raise UnsupportedError("takes places in another order", where=call.where)
    return x if len(channels) == x.channels else c.add(Slice(first, first + len(channels)), x)


def join(c: Conversion, call: Call) -> Flow:
    """Add, Sub and Mul of two computed tensors."""
    a, b = (c.flow(name) for name in call.inputs)
    if a.order != b.order or len(a.sizes) != len(b.sizes):
        raise UnsupportedError(f"joins tensors of shapes {list(a.shape)} and {list(b.shape)}", where=call.where)
    if call.op == "Mul":
        return c.add(Multiply(), a, b.name)
    if a.sizes != b.sizes:
        raise UnsupportedError(f"adds tensors of shapes {list(a.shape)} and {list(b.shape)}", where=call.where)
    return c.add(Add(), a, (c.add(Affine(real(np.array(-1.0))), b) if call.op == "Sub" else b).name)


def _softmax(c: Conversion, call: Call) -> Flow:
    raise UnsupportedError("a softmax that something reads; at the end of a network it is left out", where=call.where)


RULES: dict[tuple[str, str], Rule] = {
    (STANDARD, "Conv"): _conv,
    (STANDARD, "MatMul"): _matmul,
    (STANDARD, "Gemm"): _gemm,
    (STANDARD, "MaxPool"): _max_pool,
    (STANDARD, "AveragePool"): _average_pool,
    (STANDARD, "GlobalAveragePool"): _global_average,
    (STANDARD, "GlobalMaxPool"): _global_max,
    (STANDARD, "ReduceMean"): _reduce,
    (STANDARD, "ReduceSum"): _reduce,
    (STANDARD, "Reshape"): _shaped,
    (STANDARD, "Flatten"): _shaped,
    (STANDARD, "Squeeze"): _shaped,
    (STANDARD, "Unsqueeze"): _shaped,
    (STANDARD, "Transpose"): _transpose,
    (STANDARD, "Pad"): _pad,
    (STANDARD, "Concat"): _concat,
    (STANDARD, "Split"): _split,
    (STANDARD, "Slice"): _slice,
    (STANDARD, "Add"): join,
    (STANDARD, "Sub"): join,
    (STANDARD, "Mul"): join,
    (CHANNELS_LAST, "Conv"): lambda c, call: _conv(c, call, first=False),
    (CHANNELS_LAST, "MaxPool"): lambda c, call: _max_pool(c, call, first=False),
    (QONNX, "MaxPoolNHWC"): lambda c, call: _max_pool(c, call, first=False),
}

__all__ = ["RULES", "per_channel", "view"]

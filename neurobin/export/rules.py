"""Every op of a graph as ONNX and QONNX nodes. Integers travel as whole float32 numbers, as QONNX has them.

Arithmetic that leaves float32's whole numbers (fixed-point rescaling) is done in int64; an op whose range does not fit is
refused, so that what is written computes the same integers everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.export.writer import DOUBLE, EXACT, FLOAT, INT64, QONNX, Writer, qonnx_type
from neurobin.ir import BIPOLAR, TERNARY, Constant, DType, Encoding, Node, TensorType, int_for
from neurobin.ops.requantise import largest

DOUBLE_EXACT = 2**53
TAKES_DOUBLE = {"requantise", "multiply", "multi_threshold", "sum_pool2d", "channel_sum", "position_scale"}
LIFT = 2**62
Rule = Callable[[Writer, Node, Any], str]  # (writer, node, op) -> the last node's output, which is named as the node


def _kind(w: Writer, node: Node, index: int = 0) -> TensorType:
    return w.graph.types[node.inputs[index]]


def _refuse(node: Node, what: str) -> UnsupportedError:
    return UnsupportedError(what, where=f"node {node.name!r} ({node.op.name})")


def _weights(w: Writer, weight: Constant, scale: np.ndarray) -> str:
    """[O, KH, KW, C/g] or [O, I] as ONNX has them, [O, C/g, KH, KW]: behind a quantizer that gives scale * code."""
    values = np.moveaxis(weight.values, -1, 1).astype(np.float64)
    steps = scale.reshape(-1, *(1,) * (values.ndim - 1)) if scale.size > 1 else scale.reshape(())
    dtype = weight.dtype
    if dtype.is_float or (scale == 0).any():
        return w.constant(values * steps)
    if dtype == BIPOLAR:
        return w.add("BipolarQuant", w.constant(values * np.sign(steps)), w.constant(np.abs(steps)), domain=QONNX)
    if (scale < 0).any():  # a negative step turns its codes; those of two's complement need one bit more then
        values, steps = values * np.sign(steps), np.abs(steps)
        dtype = dtype if dtype.low == -dtype.high else int_for(-dtype.high, max(dtype.high, -dtype.low))
    narrow = dtype == TERNARY or dtype.encoding is Encoding.BIPOLAR
    bits = 2 if dtype == TERNARY else _bits(dtype)
    operands = (w.constant(values * steps), w.constant(steps), w.constant(0.0), w.constant(float(bits)))
    signed = int(dtype.low < 0)
    return w.add("Quant", *operands, domain=QONNX, signed=signed, narrow=int(narrow), rounding_mode="ROUND")


def _bits(dtype: DType) -> int:
    """Bits of the two's complement or unsigned type that holds every value; a signed one of 1 bit means -1 and +1 there."""
    if dtype.low >= 0:
        return dtype.high.bit_length()
    return max(dtype.high.bit_length(), (-dtype.low - 1).bit_length(), 1) + 1


def _most(dtype: DType) -> int:
    """The largest magnitude of a type."""
    return max(-dtype.low, dtype.high)


def _is_double(w: Writer, name: str) -> bool:
    """True for a tensor of whole numbers that float32 does not hold: it travels in float64."""
    dtype = w.graph.types[name].dtype
    return not dtype.is_float and _most(dtype) > EXACT


def _inputs(w: Writer, node: Node) -> tuple[list[str], type]:
    """(inputs, type of the constants beside them): all in float64 where an input or the result is, else as they are.

    Raises UnsupportedError where something reads that result which cannot.
    """
    if _is_double(w, node.name):
        readers = {w.graph.by_name[name].op.name for name in w.graph.consumers[node.name]}
        dtype = w.graph.types[node.name].dtype
        if node.name in w.graph.outputs or not readers <= TAKES_DOUBLE or _most(dtype) > DOUBLE_EXACT:
            raise _refuse(node, f"results of {dtype}, beyond the whole numbers of float32")
    if not any(_is_double(w, name) for name in (*node.inputs, node.name)):
        return list(node.inputs), np.float32
    return [name if _is_double(w, name) else w.add("Cast", name, to=DOUBLE) for name in node.inputs], np.float64


def _operands(w: Writer, node: Node, op: Any) -> tuple[str, str]:
    """(input, weights) of a layer: codes behind a quantizer in float32, as they are in float64."""
    (x,), kind = _inputs(w, node)
    if kind is np.float64:
        return x, w.constant(np.moveaxis(op.weight.values, -1, 1), kind)
    scale = getattr(op, "scale", None)
    return x, _weights(w, op.weight, np.ones(1) if scale is None else scale.values)


def conv(w: Writer, node: Node, op: Any) -> str:
    """Padding with -1 or +1 is a node of its own: ONNX pads with 0."""
    x, filters = _operands(w, node, op)
    top, left, bottom, right = op.padding
    pads = [top, left, bottom, right]
    if op.pad_value and any(pads):
        x = w.add("Pad", x, w.constant([0, 0, top, left, 0, 0, bottom, right], np.int64), w.constant(float(op.pad_value)))
        pads = [0, 0, 0, 0]
    return w.add(
        "Conv", x, filters, result=node.name, kernel_shape=list(op.weight.shape[1:3]), strides=list(op.stride), pads=pads,
        dilations=list(op.dilation), group=op.groups,
    )  # fmt: skip


def dense(w: Writer, node: Node, op: Any) -> str:
    x, matrix = _operands(w, node, op)
    return w.add("MatMul", x, w.add("Transpose", matrix, perm=[1, 0]), result=node.name)


def affine(w: Writer, node: Node, op: Any) -> str:
    rank = len(_kind(w, node).shape)
    scale, bias = (w.constant(w.by_channel(part.values, rank)) for part in (op.scale, op.bias))
    if not op.bias.values.any():
        return w.add("Mul", node.inputs[0], scale, result=node.name)
    if (op.scale.values == 1).all():
        return w.add("Add", node.inputs[0], bias, result=node.name)
    return w.add("Add", w.add("Mul", node.inputs[0], scale), bias, result=node.name)


def batch_norm(w: Writer, node: Node, op: Any) -> str:
    channels = _kind(w, node).channels
    parts = [np.broadcast_to(part.values, channels) for part in (op.gamma, op.beta, op.mean, op.variance)]
    return w.add("BatchNormalization", node.inputs[0], *map(w.constant, parts), result=node.name, epsilon=op.epsilon)


def sign(w: Writer, node: Node, op: Any) -> str:
    x = node.inputs[0]
    if op.threshold.values.any():
        rank = len(_kind(w, node).shape)
        x = w.add("Sub", x, w.constant(w.by_channel(op.threshold.values, rank)))
    return w.add("BipolarQuant", x, w.constant(1.0), result=node.name, domain=QONNX)


def quantize(w: Writer, node: Node, op: Any) -> str:
    """round((2^k - 1) clip(x, 0, 1)): codes, as in the graph."""
    top = float(2**op.bits - 1)
    clipped = w.add("Clip", node.inputs[0], w.constant(0.0), w.constant(1.0))
    return w.add("Round", w.add("Mul", clipped, w.constant(top)), result=node.name)


def multi_threshold(w: Writer, node: Node, op: Any) -> str:
    """Channels that descend are turned: n of L thresholds reached by x is n of L missed by -x.

    #{x >= t} = L - #{-x > -t}, and on whole numbers -x > -t is -x >= -t + 1. Levels that are no even grid are a sum, one
    node for each distance between neighbours: y = low + sum over distances d of d #{thresholds that climb by d}.
    """
    kind, wide = _kind(w, node), _is_double(w, node.inputs[0])
    x, number = node.inputs[0], np.float64 if wide else np.float32
    rows = op.thresholds.values.astype(np.float64)
    down = np.broadcast_to(op.descending.values.astype(bool), max(len(rows), op.descending.shape[0]))
    if down.any():
        if kind.dtype.is_float:
            raise _refuse(node, "descending thresholds of real values")
        rows = np.where(down[:, None], (1 - rows)[:, ::-1], rows)
        x = w.add("Mul", x, w.constant(w.by_channel(np.where(down, -1.0, 1.0), len(kind.shape)), number))
    if np.abs(rows).max() >= (DOUBLE_EXACT if wide else EXACT) and not kind.dtype.is_float:
        raise _refuse(node, "thresholds beyond the whole numbers of float32")
    climbs, low = np.diff(op.levels), float(op.levels[0])
    layout = "NCHW" if len(kind.shape) == 3 else "NC"
    parts: list[str] = []
    distances = np.unique(climbs)
    for climb in distances:
        last = len(distances) == 1 and not wide
        parts.append(
            w.add(
                "MultiThreshold", x, w.constant(rows[:, climbs == climb], number), result=node.name if last else "",
                domain=QONNX, out_dtype=qonnx_type(op.dtype), out_scale=float(climb), out_bias=0.0 if parts else low,
                data_layout=layout,
            )
        )  # fmt: skip
    if wide:
        return w.add("Cast", parts[0] if len(parts) == 1 else w.add("Sum", *parts), result=node.name, to=FLOAT)
    return parts[0] if len(parts) == 1 else w.add("Sum", *parts, result=node.name)


def requantise(w: Writer, node: Node, op: Any) -> str:
    """floor((x m + b + half) / 2^shift), clipped."""
    rank, half = len(_kind(w, node).shape), (1 << op.shift) >> 1
    multiplier, bias = (w.by_channel(part.values.astype(np.int64), rank) for part in (op.multiplier, op.bias))
    x = w.add("Mul", w.add("Cast", node.inputs[0], to=INT64), w.constant(multiplier, np.int64))
    reach = _most(_kind(w, node).dtype) * largest(multiplier) + largest(bias) + half
    return _shifted(w, node, w.add("Add", x, w.constant(bias + half, np.int64)), reach, op.shift, op.dtype)


def _shifted(w: Writer, node: Node, x: str, reach: int, shift: int, dtype: DType) -> str:
    """floor(x / 2^shift) of int64 numbers up to `reach`, clipped to a type, as float32.

    Division truncates, so x is lifted above 0 by a multiple of 2^shift that is taken off afterwards.
    """
    if _most(dtype) > EXACT:
        raise _refuse(node, f"results of {dtype}, beyond the whole numbers of float32")
    if shift and reach >= LIFT:
        raise _refuse(node, f"products of up to {reach}, beyond the whole numbers below 2^62 that are shifted")
    if shift:
        lifted = w.add("Add", x, w.constant(LIFT, np.int64))
        x = w.add("Sub", w.add("Div", lifted, w.constant(1 << shift, np.int64)), w.constant(LIFT >> shift, np.int64))
    clipped = w.add("Clip", x, w.constant(dtype.low, np.int64), w.constant(dtype.high, np.int64))
    return w.add("Cast", clipped, result=node.name, to=FLOAT)


def add(w: Writer, node: Node, op: Any) -> str:
    if op.dtype is None:
        return w.add("Add", *node.inputs, result=node.name)
    total = w.add("Add", *node.inputs)
    return w.add("Clip", total, w.constant(float(op.dtype.low)), w.constant(float(op.dtype.high)), result=node.name)


def multiply(w: Writer, node: Node, op: Any) -> str:
    if not op.shift and op.dtype is None:
        return w.add("Mul", *_inputs(w, node)[0], result=node.name)
    half = (1 << op.shift) >> 1
    product = w.add("Mul", *(w.add("Cast", name, to=INT64) for name in node.inputs))
    reach = _most(_kind(w, node).dtype) * _most(_kind(w, node, 1).dtype) + half
    return _shifted(
        w, node, w.add("Add", product, w.constant(half, np.int64)), reach, op.shift, w.graph.types[node.name].dtype
    )


def prelu(w: Writer, node: Node, op: Any) -> str:
    """Integers: floor(PRelu(x, slope 2^-shift) + 1/2) in float64, which leaves x >= 0 as it is."""
    kind = _kind(w, node)
    slope = w.by_channel(op.slope.values.astype(np.float64), len(kind.shape))
    if kind.dtype.is_float:
        return w.add("PRelu", node.inputs[0], w.constant(slope), result=node.name)
    if _most(kind.dtype) * largest(slope.astype(np.int64)) + (1 << op.shift) >= DOUBLE_EXACT:  # of half steps, 2^-shift each
        raise _refuse(node, "products beyond the whole numbers of float64")
    x = w.add("Cast", node.inputs[0], to=DOUBLE)
    x = w.add("PRelu", x, w.constant(slope * 2.0**-op.shift, np.float64))
    x = w.add("Add", x, w.constant(0.5 if op.shift else 0.0, np.float64))
    return w.add("Cast", w.add("Floor", x), result=node.name, to=FLOAT)


def position_scale(w: Writer, node: Node, op: Any) -> str:
    (x,), number = _inputs(w, node)
    return w.add("Mul", x, w.constant(op.factor.values[None, None], number), result=node.name)


def clip(w: Writer, node: Node, op: Any) -> str:
    return w.add("Clip", node.inputs[0], w.constant(op.low), w.constant(op.high), result=node.name)


def _window(op: Any) -> dict[str, Any]:
    return {"kernel_shape": list(op.kernel), "strides": list(op.stride), "pads": list(op.padding)}


def max_pool(w: Writer, node: Node, op: Any) -> str:
    return w.add("MaxPool", node.inputs[0], result=node.name, dilations=list(op.dilation), **_window(op))


def avg_pool(w: Writer, node: Node, op: Any) -> str:
    return w.add("AveragePool", node.inputs[0], result=node.name, count_include_pad=1, **_window(op))


def sum_pool(w: Writer, node: Node, op: Any) -> str:
    """A convolution of every channel with ones, which adds whole numbers exactly."""
    channels, ((x,), number) = _kind(w, node).channels, _inputs(w, node)
    ones = w.constant(np.ones((channels, 1, *op.kernel)), number)
    return w.add("Conv", x, ones, result=node.name, group=channels, **_window(op))


def pad(w: Writer, node: Node, op: Any) -> str:
    top, left, bottom, right = op.padding
    widths = w.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return w.add("Pad", node.inputs[0], widths, w.constant(float(op.value)), result=node.name)


def flatten(w: Writer, node: Node, op: Any) -> str:
    x, kind = node.inputs[0], _kind(w, node)
    if len(kind.shape) == 3 and not op.channels_first:
        x = w.add("Transpose", x, perm=[0, 2, 3, 1])
    return w.add("Flatten", x, result=node.name, axis=1)


def reshape(w: Writer, node: Node, op: Any) -> str:
    """Through the graph's own order of elements, channels last."""
    before, after = _kind(w, node), w.graph.types[node.name]
    x = node.inputs[0] if len(before.shape) == 1 else w.add("Transpose", node.inputs[0], perm=_last(before))
    if len(after.shape) == 1:
        return w.add("Reshape", x, w.constant([1, *after.shape], np.int64), result=node.name)
    x = w.add("Reshape", x, w.constant([1, *after.shape], np.int64))
    return w.add("Transpose", x, result=node.name, perm=[0, len(after.shape), *range(1, len(after.shape))])


def _last(kind: TensorType) -> list[int]:
    return [0, *range(2, len(kind.shape) + 1), 1]


def channel_shuffle(w: Writer, node: Node, op: Any) -> str:
    order = op.reference(np.arange(_kind(w, node).channels)[None])[0]
    return w.add("Gather", node.inputs[0], w.constant(order, np.int64), result=node.name, axis=1)


def slice_(w: Writer, node: Node, op: Any) -> str:
    bounds = (w.constant([value], np.int64) for value in (op.start, op.stop, 1))
    return w.add("Slice", node.inputs[0], *bounds, result=node.name)


def channel_sum(w: Writer, node: Node, op: Any) -> str:
    return w.add("ReduceSum", _inputs(w, node)[0][0], w.constant([1], np.int64), result=node.name, keepdims=1)


def concat(w: Writer, node: Node, op: Any) -> str:
    return w.add("Concat", *node.inputs, result=node.name, axis=1)


def lookup(w: Writer, node: Node, op: Any) -> str:
    """table[x - low], of one row for all channels."""
    if len(op.table.values) > 1:
        raise _refuse(node, "a table for each channel")
    place = w.add("Cast", w.add("Sub", node.inputs[0], w.constant(float(op.low))), to=INT64)
    return w.add("Gather", w.constant(op.table.values[0]), place, result=node.name, axis=0)


def logic(w: Writer, node: Node, op: Any) -> str:
    """On -1 and +1 xnor is the product; on 0 and 1 it is 1 - |a - b|."""
    if op.kind in ("or", "and"):
        return w.add("Max" if op.kind == "or" else "Min", *node.inputs, result=node.name)
    if _kind(w, node).dtype == BIPOLAR:
        return w.add("Mul", *node.inputs, result=node.name)
    return w.add("Sub", w.constant(1.0), w.add("Abs", w.add("Sub", *node.inputs)), result=node.name)


def arg_max(w: Writer, node: Node, op: Any) -> str:
    return w.add("Cast", w.add("ArgMax", node.inputs[0], axis=1, keepdims=1), result=node.name, to=FLOAT)


def _same(name: str) -> Rule:
    return lambda w, node, op: w.add(name, node.inputs[0], result=node.name)


RULES: dict[str, Rule] = {
    "abs": _same("Abs"),
    "add": add,
    "affine": affine,
    "arg_max": arg_max,
    "avg_pool2d": avg_pool,
    "batch_norm": batch_norm,
    "bit_conv2d": conv,
    "bit_dense": dense,
    "channel_shuffle": channel_shuffle,
    "channel_sum": channel_sum,
    "clip": clip,
    "concat": concat,
    "conv2d": conv,
    "dense": dense,
    "flatten": flatten,
    "int_conv2d": conv,
    "int_dense": dense,
    "logic": logic,
    "lookup": lookup,
    "max_pool2d": max_pool,
    "multi_threshold": multi_threshold,
    "multiply": multiply,
    "pad": pad,
    "position_scale": position_scale,
    "prelu": prelu,
    "quantize": quantize,
    "relu": _same("Relu"),
    "requantise": requantise,
    "reshape": reshape,
    "sigmoid": _same("Sigmoid"),
    "sign": sign,
    "slice": slice_,
    "sum_pool2d": sum_pool,
}

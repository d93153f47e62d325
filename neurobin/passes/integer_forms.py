"""The integer form of every op on real values, one rule each: reads the `Fixed` of its inputs, adds nodes, says its own.

`RULES` is the list of ops that deploy. A rule may leave scale and offset to its readers, or requantise where its op needs
integers of one scale.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.ir import Constant, Graph, Node
from neurobin.ir.dtype import i, u
from neurobin.ops.abs import Abs
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.clip import Clip
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.lookup import Lookup
from neurobin.ops.multiply import Multiply
from neurobin.ops.pad import Pad
from neurobin.ops.position_scale import PositionScale
from neurobin.ops.prelu import Prelu
from neurobin.ops.sum_pool2d import SumPool2d
from neurobin.passes._rewrite import affine_of
from neurobin.passes.deployer import HEADROOM, PASSING, Deployer
from neurobin.passes.fixed_point import Fixed, exact, integers, quantize_weight, requantise
from neurobin.passes.planes import integer_op
from neurobin.passes.thresholds import fold, is_monotone

MAX_PRODUCT_BITS = 31  # exact products of two tensors stay within a 32-bit machine's registers


def _affine(d: Deployer, node: Node) -> Fixed:
    assert isinstance(node.op, Affine)
    fixed, scale, bias = d.fixed[node.inputs[0]], node.op.scale.values, node.op.bias.values
    return Fixed(fixed.tensor, fixed.scale * scale, fixed.offset * scale + bias)


def _linear(d: Deployer, node: Node) -> Fixed:
    assert isinstance(node.op, Conv2d | Dense)
    if getattr(node.op, "pad_value", 0) != 0:
        raise UnsupportedError("real activations are padded with zero only", where=f"node {node.name!r}")
    x = d.operand(node.inputs[0])
    weight, scale = quantize_weight(node.op.weight, d.precision.weight_bits)
    sums = d.add(integer_op(node.op, weight, d.dtype(x.tensor)), x.tensor, name=f"{node.name}.sums")
    return Fixed(sums, scale * node.op.scale.values * x.scale, np.zeros(1))


def _quantizer(d: Deployer, node: Node) -> Fixed:
    """Walks back over monotone real ops, so that thresholds apply to integers that were not rounded on the way."""
    chain, source = [node.op], node.inputs[0]
    while (step := d.graph.by_name.get(source)) is not None and is_monotone(step.op) and len(step.inputs) == 1:
        chain.insert(0, step.op)
        source = step.inputs[0]
    fixed = d.fixed[source]
    kind = d.builder.types[fixed.tensor]
    op = fold([affine_of(fixed.scale, fixed.offset), *chain], kind.dtype, d.graph.types[node.name].dtype, kind.channels)
    return exact(d.add(op, fixed.tensor, name=node.name))


def _relu(d: Deployer, node: Node) -> Fixed:
    """Requantising to an unsigned type clips at 0: the rectifier costs nothing."""
    wide = node.name in d.group or not _feeds_only_products(d.graph, node.name)
    bits = d.precision.map_bits if wide else d.precision.activation_bits
    dtype = u(bits) if bits <= 8 and node.name not in d.group else u(bits - 1)
    scale = d.common_scale(node.name, i(bits) if node.name in d.group else dtype)
    source = d.fixed[node.inputs[0]]
    op = requantise(source, scale, dtype, d.dtype(source.tensor))
    return Fixed(d.add(op, source.tensor, name=node.name), np.array([scale]), np.zeros(1))


def _clip(d: Deployer, node: Node) -> Fixed:
    """From low to high as the whole range of an unsigned type: saturation clips at both ends, and both are exact.

    A bound beyond what calibration saw, with headroom, gives way to that: the steps would be too wide.
    """
    assert isinstance(node.op, Clip)
    wide = not _feeds_only_products(d.graph, node.name)
    bits = d.precision.map_bits if wide else d.precision.activation_bits
    dtype = u(bits) if bits <= 8 else u(bits - 1)
    reach = HEADROOM * max(map(abs, d.ranges[node.name]))
    low, high = max(node.op.low, min(-reach, node.op.high)), min(node.op.high, max(reach, node.op.low))
    scale = d.span(high - low) / dtype.high
    source = d.fixed[node.inputs[0]]
    shifted = Fixed(source.tensor, source.scale, source.offset - low)
    op = requantise(shifted, scale, dtype, d.dtype(source.tensor))
    return Fixed(d.add(op, source.tensor, name=node.name), np.array([scale]), np.array([low]))


def _feeds_only_products(graph: Graph, name: str) -> bool:
    """True when every reader, through pools and views, is a convolution or matrix product."""
    readers = [graph.by_name[reader] for reader in graph.consumers[name]]
    return bool(readers) and all(
        r.op.name in ("conv2d", "dense") or (r.op.name in PASSING and _feeds_only_products(graph, r.name)) for r in readers
    )


def _prelu(d: Deployer, node: Node) -> Fixed:
    assert isinstance(node.op, Prelu)
    x = d.map(node.inputs[0])
    slope = node.op.slope.values
    shift = int(np.clip(14 - np.floor(np.log2(np.abs(slope).max() or 1.0)), 0, 30))
    op = Prelu(integers(np.rint(slope * 2.0**shift).astype(np.int64)), shift)
    return Fixed(d.add(op, x.tensor, name=node.name), x.scale, x.offset)


def _add(d: Deployer, node: Node) -> Fixed:
    a, b = (d.map(name) for name in node.inputs)
    total = d.add(Add(i(d.precision.map_bits)), a.tensor, b.tensor, name=node.name)
    return Fixed(total, a.scale, a.offset)


def _multiply(d: Deployer, node: Node) -> Fixed:
    """Exact where the product fits 31 bits; otherwise the wider operand is first stored as a map."""
    sides = [d.fixed[name] if not d.fixed[name].offset.any() else d.map(name) for name in node.inputs]
    widths = [d.dtype(side.tensor).bits for side in sides]
    for _ in sides:
        if sum(widths) <= MAX_PRODUCT_BITS:
            break
        wide = int(np.argmax(widths))
        sides[wide] = d.map(node.inputs[wide])
        widths[wide] = d.dtype(sides[wide].tensor).bits
    product = d.add(Multiply(), sides[0].tensor, sides[1].tensor, name=f"{node.name}.product")
    return Fixed(product, sides[0].scale * sides[1].scale, np.zeros(1))


def _position_scale(d: Deployer, node: Node) -> Fixed:
    """An exact product; the factors get the bits of a map, or what the sums leave of a 32-bit register."""
    assert isinstance(node.op, PositionScale)
    x, factor = d.fixed[node.inputs[0]], node.op.factor
    if x.offset.any() or d.dtype(x.tensor).bits > d.precision.map_bits:
        x = d.map(node.inputs[0])
    bits = min(d.precision.map_bits, MAX_PRODUCT_BITS - d.dtype(x.tensor).bits)
    codes, step = quantize_weight(Constant(factor.dtype, factor.values[None]), bits)
    op = PositionScale(Constant(codes.dtype, codes.values[0]))
    return Fixed(d.add(op, x.tensor, name=f"{node.name}.product"), x.scale * step, np.zeros(1))


def _sigmoid(d: Deployer, node: Node) -> Fixed:
    """A table over the integers of a convolution's operand, with as many bits in its entries; 1 is the largest entry."""
    x = d.operand(node.inputs[0])
    dtype, result = d.dtype(x.tensor), u(d.precision.activation_bits)
    values = node.op.reference(x.scale[0] * np.arange(dtype.low, dtype.high + 1))
    table = Constant(result, np.rint(values[None] * result.high).astype(np.int64))
    return Fixed(d.add(Lookup(table, dtype.low), x.tensor, name=node.name), np.array([1 / result.high]), np.zeros(1))


def _proportional(d: Deployer, node: Node) -> Fixed:
    """Ops that act on integers of one scale as they act on real values."""
    x = d.fixed[node.inputs[0]] if d.fixed[node.inputs[0]].uniform else d.map(node.inputs[0])
    op = Abs() if isinstance(node.op, Abs) else node.op
    return Fixed(d.add(op, x.tensor, name=node.name), x.scale, x.offset)


def _pad(d: Deployer, node: Node) -> Fixed:
    """Padding with 0 is 0 at any scale, where there is no offset."""
    assert isinstance(node.op, Pad)
    if node.op.value != 0:
        raise UnsupportedError("real maps are padded with zero only", where=f"node {node.name!r}")
    return _proportional(d, node)


def _max_pool(d: Deployer, node: Node) -> Fixed:
    x = d.map(node.inputs[0])
    return Fixed(d.add(node.op, x.tensor, name=node.name), x.scale, x.offset)


def _avg_pool(d: Deployer, node: Node) -> Fixed:
    """mean(scale q + offset) = scale / taps * sum(q) + offset; padding adds zeros, so then there must be no offset."""
    assert isinstance(node.op, AvgPool2d)
    op, x = node.op, d.fixed[node.inputs[0]]
    if x.offset.any() and any(op.padding):
        x = d.map(node.inputs[0])
    total = d.add(SumPool2d(op.kernel, op.stride, op.padding), x.tensor, name=f"{node.name}.sum")
    return Fixed(total, x.scale / op.window.taps, x.offset)


def _concat(d: Deployer, node: Node) -> Fixed:
    """Parts of one scale and one type: a rectified part, unsigned until here, becomes signed without rounding."""
    dtype = i(d.precision.map_bits)
    parts = [d.store(name, dtype) for name in node.inputs]
    tensors = [part.tensor for part in parts]
    for index, part in enumerate(parts):
        if d.dtype(part.tensor) != dtype:
            op = requantise(part, float(part.scale[0]), dtype, d.dtype(part.tensor))
            tensors[index] = d.add(op, part.tensor, name=f"{part.tensor}.{dtype}")
    return Fixed(d.add(node.op, *tensors, name=node.name), parts[0].scale, parts[0].offset)


RULES: dict[str, Callable[[Deployer, Node], Fixed]] = {
    "abs": _proportional,
    "add": _add,
    "affine": _affine,
    "avg_pool2d": _avg_pool,
    "channel_shuffle": _proportional,
    "channel_sum": _proportional,
    "clip": _clip,
    "concat": _concat,
    "conv2d": _linear,
    "dense": _linear,
    "flatten": _proportional,
    "max_pool2d": _max_pool,
    "multi_threshold": _quantizer,
    "multiply": _multiply,
    "pad": _pad,
    "position_scale": _position_scale,
    "prelu": _prelu,
    "quantize": _quantizer,
    "relu": _relu,
    "reshape": _proportional,
    "sigmoid": _sigmoid,
    "sign": _quantizer,
    "slice": _proportional,
}

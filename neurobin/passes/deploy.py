"""Integer deployment: what is still real after lowering becomes fixed point, with a stated multiplier and shift.

A real tensor is carried as an integer tensor q with a per-channel scale and offset, real = scale * q + offset. Affine maps
only change scale and offset; integers are requantised where an op needs one common scale (sums, maps in memory, operands
of convolutions). Quantizers fold their scale and offset exactly into integer thresholds, as in `thresholds`.

Rounding happens in four places only: real weights (symmetric, per filter), requantised maps (half up), PReLU slopes and
position factors, tables of real functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import networkx as nx
import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.ir import Builder, Constant, DType, Graph, Json, Node, Op
from neurobin.ir.dtype import i, u
from neurobin.ops.abs import Abs
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.lookup import Lookup
from neurobin.ops.multiply import Multiply
from neurobin.ops.position_scale import PositionScale
from neurobin.ops.prelu import Prelu
from neurobin.ops.sum_pool2d import SumPool2d
from neurobin.passes._rewrite import affine_of
from neurobin.passes.calibrate import Ranges, ranges
from neurobin.passes.fixed_point import Fixed, exact, integers, quantize_weight, requantise
from neurobin.passes.planes import MAX_ACTIVATION_PLANES, MAX_WEIGHT_PLANES, integer_op
from neurobin.passes.precision import Precision
from neurobin.passes.thresholds import fold, is_monotone

MAX_PRODUCT_BITS = 31  # exact products of two tensors stay within a 32-bit machine's registers
HEADROOM = 2.0  # wide maps keep one bit beyond the calibrated range, so that unseen images do not saturate
LOGIT_BITS = 16  # class scores that need rescaling keep this many bits at least, so that rounding makes no ties
_WIDE = 12
_PASSING = {"max_pool2d", "flatten", "reshape", "channel_shuffle", "slice"}  # keep the scale and move or choose values


@dataclass(frozen=True)
class Deploy:
    """Makes every tensor an integer, calibrated on `images`. Raises UnsupportedError listing every op it cannot carry."""

    images: np.ndarray
    precision: Precision = Precision()
    name: str = "deploy"

    def apply(self, graph: Graph) -> Graph:
        if graph.is_deployed:
            return graph
        unknown = [node for node in graph.nodes if graph.types[node.name].dtype.is_float and node.op.name not in _RULES]
        if unknown:
            names = ", ".join(f"{node.name!r} ({node.op.name})" for node in unknown)
            raise UnsupportedError(f"no integer form for {names}", hint="neurobin ops lists what deploys")
        return _Deployer(graph, ranges(graph, self.images), self.precision).run()


class _Deployer:
    """One deployment in progress: the old graph, the new one being built, and the integer form of each old tensor."""

    def __init__(self, graph: Graph, found: Ranges, precision: Precision) -> None:
        self.graph, self.ranges, self.precision = graph, found, precision
        self.builder = Builder(graph.inputs)
        self.fixed: dict[str, Fixed] = {name: exact(name) for name in graph.inputs}
        self.group = _groups(graph)
        self.stored: dict[tuple[str, DType, float], Fixed] = {}

    def run(self) -> Graph:
        for node in self.graph.nodes:
            integer = not any(self.graph.types[name].dtype.is_float for name in (*node.inputs, node.name))
            if integer:
                sources = tuple(self.fixed[name].tensor for name in node.inputs)
                self.fixed[node.name] = exact(self.builder.add(node.op, *sources, name=node.name))
            else:
                self.fixed[node.name] = _RULES[node.op.name](self, node)
        result = self.fixed[self.graph.output]
        if not result.uniform:
            result = self.store(self.graph.output, i(max(self.precision.map_bits, LOGIT_BITS)))
        scales: dict[str, Json] = {
            name: float(f.scale[0]) for name, f in self.fixed.items() if f.uniform and f.tensor == name
        }
        scales[result.tensor] = float(result.scale[0])
        graph = self.builder.graph(result.tensor, **dict(self.graph.meta))
        return graph.with_meta(scales=scales, precision=dict(vars(self.precision))).pruned()

    def add(self, op: Op, *sources: str, name: str) -> str:
        return self.builder.add(op, *sources, name=name)

    def dtype(self, tensor: str) -> DType:
        return self.builder.types[tensor].dtype

    def store(self, name: str, dtype: DType) -> Fixed:
        """Tensor `name` requantised to `dtype` at the common scale of its group, reused if it was stored before."""
        fixed = self.fixed[name]
        scale = self.common_scale(name, dtype)
        if fixed.uniform and np.isclose(fixed.scale[0], scale, rtol=1e-12) and dtype.holds_type(self.dtype(fixed.tensor)):
            return fixed
        key = (name, dtype, scale)
        if key not in self.stored:
            op = requantise(fixed, scale, dtype, self.dtype(fixed.tensor))
            self.stored[key] = Fixed(self.add(op, fixed.tensor, name=f"{name}.{dtype}"), np.array([scale]), np.zeros(1))
        return self.stored[key]

    def common_scale(self, name: str, dtype: DType) -> float:
        """The real value of one step, so that the calibrated range of the tensor's whole group fits `dtype`."""
        members = self.group.get(name, {name})
        widest = max(max(abs(low), abs(high)) for low, high in (self.ranges[m] for m in members))
        headroom = HEADROOM if dtype.bits >= _WIDE else 1.0
        return (widest or 1.0) * headroom / dtype.high

    def operand(self, name: str) -> Fixed:
        """The tensor as a convolution reads it: proportional integers of at most `activation_bits`."""
        fixed, bits = self.fixed[name], self.precision.activation_bits
        if fixed.uniform and self.dtype(fixed.tensor).bits <= bits:
            return fixed
        low = self.ranges[name][0]
        return self.store(name, u(bits) if low >= 0 and bits <= 8 else i(bits))

    def map(self, name: str) -> Fixed:
        """The tensor as a feature map in memory: proportional integers of at most `map_bits`."""
        fixed, bits = self.fixed[name], self.precision.map_bits
        if fixed.uniform and self.dtype(fixed.tensor).bits <= bits and name not in self.group:
            return fixed
        return self.store(name, i(bits))


def _groups(graph: Graph) -> dict[str, set[str]]:
    """Real tensors that share one scale: operands and result of every real sum and concatenation, transitively.

    Ops that keep the scale of their input belong to the group of their neighbours, so nothing is rescaled on the way.
    """
    ties, sums = nx.Graph(), set()
    for node in graph.nodes:
        if not all(graph.types[name].dtype.is_float for name in (node.name, *node.inputs)):
            continue
        if node.op.name in ("add", "concat"):
            sums.add(node.name)
        if node.op.name in {"add", "concat", "prelu", *_PASSING}:
            ties.add_edges_from((source, node.name) for source in node.inputs)
    return {name: group for group in nx.connected_components(ties) if group & sums for name in group}


def _affine(d: _Deployer, node: Node) -> Fixed:
    assert isinstance(node.op, Affine)
    fixed, scale, bias = d.fixed[node.inputs[0]], node.op.scale.values, node.op.bias.values
    return Fixed(fixed.tensor, fixed.scale * scale, fixed.offset * scale + bias)


def _linear(d: _Deployer, node: Node) -> Fixed:
    assert isinstance(node.op, Conv2d | Dense)
    if getattr(node.op, "pad_value", 0) != 0:
        raise UnsupportedError("real activations are padded with zero only", where=f"node {node.name!r}")
    x = d.operand(node.inputs[0])
    weight, scale = quantize_weight(node.op.weight, d.precision.weight_bits)
    narrow = weight.dtype.bits <= MAX_WEIGHT_PLANES and d.dtype(x.tensor).bits <= MAX_ACTIVATION_PLANES
    sums = d.add(integer_op(node.op, weight, narrow), x.tensor, name=f"{node.name}.sums")
    return Fixed(sums, scale * node.op.scale.values * x.scale, np.zeros(1))


def _quantizer(d: _Deployer, node: Node) -> Fixed:
    """Walks back over monotone real ops, so that thresholds apply to integers that were not rounded on the way."""
    chain, source = [node.op], node.inputs[0]
    while (step := d.graph.by_name.get(source)) is not None and is_monotone(step.op) and len(step.inputs) == 1:
        chain.insert(0, step.op)
        source = step.inputs[0]
    fixed = d.fixed[source]
    kind = d.builder.types[fixed.tensor]
    op = fold([affine_of(fixed.scale, fixed.offset), *chain], kind.dtype, d.graph.types[node.name].dtype, kind.channels)
    return exact(d.add(op, fixed.tensor, name=node.name))


def _relu(d: _Deployer, node: Node) -> Fixed:
    """Requantising to an unsigned type clips at 0: the rectifier costs nothing."""
    wide = node.name in d.group or not _feeds_only_products(d.graph, node.name)
    bits = d.precision.map_bits if wide else d.precision.activation_bits
    dtype = u(bits) if bits <= 8 and node.name not in d.group else u(bits - 1)
    scale = d.common_scale(node.name, i(bits) if node.name in d.group else dtype)
    source = d.fixed[node.inputs[0]]
    op = requantise(source, scale, dtype, d.dtype(source.tensor))
    return Fixed(d.add(op, source.tensor, name=node.name), np.array([scale]), np.zeros(1))


def _feeds_only_products(graph: Graph, name: str) -> bool:
    """True when every reader, through pools and views, is a convolution or matrix product."""
    readers = [graph.by_name[reader] for reader in graph.consumers[name]]
    return bool(readers) and all(
        r.op.name in ("conv2d", "dense") or (r.op.name in _PASSING and _feeds_only_products(graph, r.name)) for r in readers
    )


def _prelu(d: _Deployer, node: Node) -> Fixed:
    assert isinstance(node.op, Prelu)
    x = d.map(node.inputs[0])
    slope = node.op.slope.values
    shift = int(np.clip(14 - np.floor(np.log2(np.abs(slope).max() or 1.0)), 0, 30))
    op = Prelu(integers(np.rint(slope * 2.0**shift).astype(np.int64)), shift)
    return Fixed(d.add(op, x.tensor, name=node.name), x.scale, x.offset)


def _add(d: _Deployer, node: Node) -> Fixed:
    a, b = (d.map(name) for name in node.inputs)
    total = d.add(Add(i(d.precision.map_bits)), a.tensor, b.tensor, name=node.name)
    return Fixed(total, a.scale, a.offset)


def _multiply(d: _Deployer, node: Node) -> Fixed:
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


def _position_scale(d: _Deployer, node: Node) -> Fixed:
    """An exact product; the factors get the bits of a map, or what the sums leave of a 32-bit register."""
    assert isinstance(node.op, PositionScale)
    x, factor = d.fixed[node.inputs[0]], node.op.factor
    if x.offset.any() or d.dtype(x.tensor).bits > d.precision.map_bits:
        x = d.map(node.inputs[0])
    bits = min(d.precision.map_bits, MAX_PRODUCT_BITS - d.dtype(x.tensor).bits)
    codes, step = quantize_weight(Constant(factor.dtype, factor.values[None]), bits)
    op = PositionScale(Constant(codes.dtype, codes.values[0]))
    return Fixed(d.add(op, x.tensor, name=f"{node.name}.product"), x.scale * step, np.zeros(1))


def _sigmoid(d: _Deployer, node: Node) -> Fixed:
    """A table over the integers of a convolution's operand, with as many bits in its entries; 1 is the largest entry."""
    x = d.operand(node.inputs[0])
    dtype, result = d.dtype(x.tensor), u(d.precision.activation_bits)
    values = node.op.reference(x.scale[0] * np.arange(dtype.low, dtype.high + 1))
    table = Constant(result, np.rint(values[None] * result.high).astype(np.int64))
    return Fixed(d.add(Lookup(table, dtype.low), x.tensor, name=node.name), np.array([1 / result.high]), np.zeros(1))


def _proportional(d: _Deployer, node: Node) -> Fixed:
    """Ops that act on integers of one scale as they act on real values."""
    x = d.fixed[node.inputs[0]] if d.fixed[node.inputs[0]].uniform else d.map(node.inputs[0])
    op = Abs() if isinstance(node.op, Abs) else node.op
    return Fixed(d.add(op, x.tensor, name=node.name), x.scale, x.offset)


def _max_pool(d: _Deployer, node: Node) -> Fixed:
    x = d.map(node.inputs[0])
    return Fixed(d.add(node.op, x.tensor, name=node.name), x.scale, x.offset)


def _avg_pool(d: _Deployer, node: Node) -> Fixed:
    """mean(scale q + offset) = scale / taps * sum(q) + offset; padding adds zeros, so then there must be no offset."""
    assert isinstance(node.op, AvgPool2d)
    op, x = node.op, d.fixed[node.inputs[0]]
    if x.offset.any() and any(op.padding):
        x = d.map(node.inputs[0])
    total = d.add(SumPool2d(op.kernel, op.stride, op.padding), x.tensor, name=f"{node.name}.sum")
    return Fixed(total, x.scale / op.window.taps, x.offset)


def _concat(d: _Deployer, node: Node) -> Fixed:
    """Parts of one scale and one type: a rectified part, unsigned until here, becomes signed without rounding."""
    dtype = i(d.precision.map_bits)
    parts = [d.store(name, dtype) for name in node.inputs]
    tensors = [part.tensor for part in parts]
    for index, part in enumerate(parts):
        if d.dtype(part.tensor) != dtype:
            op = requantise(part, float(part.scale[0]), dtype, d.dtype(part.tensor))
            tensors[index] = d.add(op, part.tensor, name=f"{part.tensor}.{dtype}")
    return Fixed(d.add(node.op, *tensors, name=node.name), parts[0].scale, parts[0].offset)


_RULES: dict[str, Callable[[_Deployer, Node], Fixed]] = {
    "abs": _proportional,
    "add": _add,
    "affine": _affine,
    "avg_pool2d": _avg_pool,
    "channel_shuffle": _proportional,
    "channel_sum": _proportional,
    "concat": _concat,
    "conv2d": _linear,
    "dense": _linear,
    "flatten": _proportional,
    "max_pool2d": _max_pool,
    "multi_threshold": _quantizer,
    "multiply": _multiply,
    "position_scale": _position_scale,
    "prelu": _prelu,
    "quantize": _quantizer,
    "relu": _relu,
    "reshape": _proportional,
    "sigmoid": _sigmoid,
    "sign": _quantizer,
    "slice": _proportional,
}

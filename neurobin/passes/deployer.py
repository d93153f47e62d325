"""`Deployer`: one deployment in progress, and the scales that tensors of one sum or concatenation share."""

from __future__ import annotations

import networkx as nx
import numpy as np

from neurobin.ir import Builder, DType, Graph, Op
from neurobin.ir.dtype import i, u
from neurobin.passes.calibrate import Ranges
from neurobin.passes.fixed_point import Fixed, exact, requantise
from neurobin.passes.precision import Precision

HEADROOM = 2.0  # wide maps keep one bit beyond the calibrated range, so that unseen images do not saturate
FINEST = 2.0**-40  # the narrowest range of a map, in parts of the widest: its steps divide nothing that the rest resolves
_WIDE = 12
PASSING = {"max_pool2d", "flatten", "reshape", "channel_shuffle", "slice"}  # keep the scale and move or choose values


class Deployer:
    """One deployment in progress: the old graph, the new one being built, and the integer form of each old tensor."""

    def __init__(self, graph: Graph, found: Ranges, precision: Precision) -> None:
        self.graph, self.ranges, self.precision = graph, found, precision
        self.builder = Builder(graph.inputs)
        self.fixed: dict[str, Fixed] = {name: exact(name) for name in graph.inputs}
        self.group = _groups(graph)
        self.stored: dict[tuple[str, DType, float], Fixed] = {}
        self.finest = FINEST * max((abs(end) for ends in found.values() for end in ends), default=0.0)

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
        return self.span(widest) * headroom / dtype.high

    def span(self, width: float) -> float:
        """A calibrated width as one that steps can be made of: 1 where nothing varies, else no finer than the rest."""
        return max(width, self.finest) if width else 1.0

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
        if node.op.name in {"add", "concat", "prelu", *PASSING}:
            ties.add_edges_from((source, node.name) for source in node.inputs)
    return {name: group for group in nx.connected_components(ties) if group & sums for name in group}

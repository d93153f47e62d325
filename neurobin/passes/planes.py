"""Products of integers become integer ops: conv2d and dense with coded weights on integer operands, then their scale.

Narrow weights make a bit op (popcount over weight planes times activation planes), wider ones an integer op.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neurobin.ir import Constant, DType, Graph, Node, Op
from neurobin.ops.bit_conv2d import BitConv2d
from neurobin.ops.bit_dense import BitDense
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.int_conv2d import IntConv2d
from neurobin.ops.int_dense import IntDense
from neurobin.passes._rewrite import affine_of, rewrite

MAX_WEIGHT_PLANES = 4
MAX_ACTIVATION_PLANES = 8


@dataclass(frozen=True)
class Planes:
    """conv2d(x, codes, scale) -> bit_conv2d(x, codes), affine(scale), where x is an integer tensor."""

    name: str = "planes"

    def apply(self, graph: Graph) -> Graph:
        return rewrite(graph, _rule)


def _rule(graph: Graph, node: Node) -> Sequence[Node] | None:
    if not isinstance(node.op, Conv2d | Dense):
        return None
    kind = graph.types[node.inputs[0]].dtype
    if kind.is_float or node.op.weight.dtype.is_float:
        return None
    sums = f"{node.name}.sums"
    return [
        Node(sums, integer_op(node.op, node.op.weight, kind), node.inputs),
        Node(node.name, affine_of(node.op.scale.values), (sums,)),
    ]


def integer_op(op: Conv2d | Dense, weight: Constant, operand: DType) -> Op:
    """The op that computes the same sums with integer `weight` codes, without the scale: on bits where both are narrow."""
    narrow = weight.dtype.bits <= MAX_WEIGHT_PLANES and operand.bits <= MAX_ACTIVATION_PLANES
    if isinstance(op, Dense):
        return BitDense(weight) if narrow else IntDense(weight)
    make = BitConv2d if narrow else IntConv2d
    return make(weight, op.stride, op.padding, op.pad_value, op.dilation, op.groups)

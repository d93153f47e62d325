"""Input normalisation that is an integer shift stays an integer: (x - 128) / 128 becomes x - 128, then a scale of 1/128."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.ir import Constant, Graph, Node, int_for
from neurobin.ir.dtype import i
from neurobin.ops.affine import Affine
from neurobin.ops.requantise import Requantise
from neurobin.passes._rewrite import affine_of, producer, rewrite


@dataclass(frozen=True)
class IntegerInput:
    """affine(s, b) on integers with one positive s and b / s a whole number z: requantise(x + z), then affine(s)."""

    name: str = "integer-input"

    def apply(self, graph: Graph) -> Graph:
        return rewrite(graph, _rule)


def _rule(graph: Graph, node: Node) -> Sequence[Node] | None:
    if not isinstance(node.op, Affine):
        return None
    op, source = node.op, node.inputs[0]
    before = producer(graph, node)
    if before is not None and isinstance(before.op, Affine):  # (a x + b) c + d = (a c) x + (b c + d)
        scale = op.scale.values
        op = affine_of(before.op.scale.values * scale, before.op.bias.values * scale + op.bias.values)
        source = before.inputs[0]
    kind = graph.types[source]
    if kind.dtype.is_float:
        return None
    scale, bias = op.scale.values, op.bias.values
    if not (scale == scale[0]).all() or scale[0] <= 0 or not bias.any():
        return None
    shift = np.rint(bias / scale[0]).astype(np.int64)
    if not np.array_equal(shift * scale[0], bias):
        return None
    out = int_for(kind.dtype.low + int(shift.min()), kind.dtype.high + int(shift.max()))
    shifted = Requantise(Constant(i(2), np.ones(1)), Constant(int_for(shift.min(), shift.max()), shift), 0, out)
    codes = f"{node.name}.codes"
    return [Node(codes, shifted, (source,)), Node(node.name, affine_of(scale[0]), (codes,))]

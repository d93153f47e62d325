"""Scale factors move down past everything that commutes with them, so that operands become the integers they really are.

conv(s x) = s conv(x)     dense(s x) = s dense(x)     pool, flatten, reshape, shuffle, slice: f(s x) = s f(x)
max(a x + b) = a max(x) + b  per channel where a > 0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from neurobin.ir import Graph, Node
from neurobin.ops.affine import Affine
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.max_pool2d import MaxPool2d
from neurobin.passes._rewrite import affine_of, producer, real, to_fixed_point, uniform_scale

_COMMUTING = {"max_pool2d", "avg_pool2d", "flatten", "reshape", "channel_shuffle", "slice"}


@dataclass(frozen=True)
class SinkScales:
    """Applies the identities above until none applies."""

    name: str = "sink-scales"

    def apply(self, graph: Graph) -> Graph:
        return to_fixed_point(graph, _rule)


def _rule(graph: Graph, node: Node) -> Sequence[Node] | None:
    source = producer(graph, node)
    if source is None or not isinstance(source.op, Affine) or graph.types[source.inputs[0]].dtype.is_float:
        return None
    below = f"{node.name}.codes"
    if isinstance(node.op, MaxPool2d) and (source.op.scale.values > 0).all():
        return [Node(below, node.op, source.inputs), Node(node.name, source.op, (below,))]
    scale = uniform_scale(source)
    if scale is None:
        return None
    if isinstance(node.op, Conv2d | Dense) and getattr(node.op, "pad_value", 0) == 0:
        return [Node(node.name, replace(node.op, scale=real(node.op.scale.values * scale)), source.inputs)]
    if node.op.name in _COMMUTING:
        return [Node(below, node.op, source.inputs), Node(node.name, affine_of(scale), (below,))]
    return None

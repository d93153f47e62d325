"""Quantizers move before max pools and views: q(max(x)) = max(q(x)) for every ascending q, so pools work on bits.

The tensor that readers see keeps its name and its values; only where it is computed changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neurobin.ir import Graph, Node, Op
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.passes._rewrite import producer, to_fixed_point

_VIEWS = {"flatten", "reshape", "channel_shuffle", "slice"}


@dataclass(frozen=True)
class HoistQuantizers:
    """quantizer(pool(x)) -> pool(quantizer(x)) where nothing else reads the pooled real values; likewise for views."""

    name: str = "hoist-quantizers"

    def apply(self, graph: Graph) -> Graph:
        return to_fixed_point(graph, _rule)


def _ascends(op: Op) -> bool:
    """True for quantizers whose code never falls when the value rises."""
    if isinstance(op, MultiThreshold):
        return not op.descending.values.any()
    return op.name in ("sign", "quantize")


def _rule(graph: Graph, node: Node) -> Sequence[Node] | None:
    source = producer(graph, node)
    if source is None or not _ascends(node.op) or len(graph.consumers[source.name]) > 1:
        return None
    uniform = all(len(constant.values) == 1 for constant in node.op.constants().values())
    if source.op.name != "max_pool2d" and not (source.op.name in _VIEWS and uniform):
        return None
    before = f"{node.name}.{source.op.name}"
    return [Node(before, node.op, source.inputs), Node(node.name, source.op, (before,))]

"""Batch norm as the affine map it is at inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neurobin.ir import Graph, Node
from neurobin.ops.batch_norm import BatchNorm
from neurobin.passes._rewrite import affine_of, rewrite


@dataclass(frozen=True)
class FoldBatchNorm:
    """batch_norm(x) -> affine(gamma / sqrt(variance + epsilon), beta - mean * scale)."""

    name: str = "fold-batch-norm"

    def apply(self, graph: Graph) -> Graph:
        return rewrite(graph, _rule)


def _rule(graph: Graph, node: Node) -> Sequence[Node] | None:
    if not isinstance(node.op, BatchNorm):
        return None
    return [Node(node.name, affine_of(node.op.scale, node.op.bias), node.inputs)]

"""What passes share: the `Pass` interface and node-by-node rewriting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from neurobin.ir import FLOAT64, Constant, Graph, Node
from neurobin.ops.affine import Affine


class Pass(Protocol):
    """A rewrite as a value. It may assume a graph that verifies and must return one that verifies and means the same."""

    @property
    def name(self) -> str: ...

    def apply(self, graph: Graph) -> Graph: ...


Rule = Callable[[Graph, Node], Sequence[Node] | None]


def rewrite(graph: Graph, rule: Rule) -> Graph:
    """Replace each node by what `rule` returns (None keeps it). The last new node keeps the old name."""
    nodes: list[Node] = []
    for node in graph.nodes:
        replacement = rule(graph, node)
        nodes.extend([node] if replacement is None else replacement)
    return graph.with_nodes(nodes).pruned()


def to_fixed_point(graph: Graph, rule: Rule) -> Graph:
    """Apply `rule` until nothing changes. Rules move work in one direction, so this ends; the bound guards against a bug."""
    for _ in range(10 * len(graph.nodes) + 10):
        changed = rewrite(graph, rule)
        if changed.nodes == graph.nodes:
            return graph
        graph = changed
    raise RuntimeError("a rewrite rule does not terminate")


def producer(graph: Graph, node: Node, operand: int = 0) -> Node | None:
    """The node that makes an operand, or None for a graph input."""
    return graph.by_name.get(node.inputs[operand])


def affine_of(scale: np.ndarray | float, bias: np.ndarray | float = 0.0) -> Affine:
    """An affine op from plain numbers."""
    return Affine(real(scale), real(bias))


def real(values: np.ndarray | float) -> Constant:
    """Plain numbers as a float64 vector constant."""
    return Constant(FLOAT64, np.atleast_1d(np.asarray(values, dtype=np.float64)))


def uniform_scale(node: Node | None) -> float | None:
    """The factor of an affine map that only multiplies all channels by one positive number, else None."""
    if node is None or not isinstance(node.op, Affine):
        return None
    scale, bias = node.op.scale.values, node.op.bias.values
    return float(scale[0]) if (scale == scale[0]).all() and scale[0] > 0 and not bias.any() else None

"""Channels-first flattening becomes channels-last flattening with the next matrix product's columns permuted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.ir import Constant, Graph, Node
from neurobin.ops.dense import Dense
from neurobin.ops.flatten import Flatten

SUFFIX = ".hwc"


@dataclass(frozen=True)
class AbsorbFlatten:
    """flatten(channels_first) -> [element-wise ...] -> dense: every per-feature parameter on the way is permuted."""

    name: str = "absorb-flatten"

    def apply(self, graph: Graph) -> Graph:
        orders: dict[str, np.ndarray] = {}  # reordered tensor -> channels-last position of each of its features
        nodes = [_moved(graph, node, orders) for node in graph.nodes]
        bad = [name for name in graph.outputs if name in orders]
        if bad:
            raise UnsupportedError("an output in channels-first order has no place to absorb it", where=f"tensor {bad[0]!r}")
        return graph.with_nodes(nodes)


def _moved(graph: Graph, node: Node, orders: dict[str, np.ndarray]) -> Node:
    """The node on channels-last features; a reordered tensor gets a name of its own, as it holds other values."""
    if isinstance(node.op, Flatten) and node.op.channels_first:
        shape = graph.types[node.inputs[0]].shape
        orders[node.name] = np.moveaxis(np.arange(np.prod(shape)).reshape(shape), -1, 0).ravel()
        return Node(node.name + SUFFIX, Flatten(), node.inputs)
    order = next((orders[name] for name in node.inputs if name in orders), None)
    if order is None:
        return node
    inputs = tuple(name + SUFFIX if name in orders else name for name in node.inputs)
    if isinstance(node.op, Dense):
        return Node(node.name, replace(node.op, weight=_permuted(node.op.weight, order, axis=1)), inputs)
    if not node.op.elementwise or len(node.inputs) != 1:
        where = f"node {node.name!r}"
        raise UnsupportedError(f"{node.op.name} after a channels-first flatten", where=where, hint="flatten before dense")
    orders[node.name] = order
    constants = node.op.constants().items()
    moved = {name: _permuted(constant, order) for name, constant in constants if len(constant.values) == len(order)}
    return Node(node.name + SUFFIX, replace(node.op, **moved), inputs)


def _permuted(constant: Constant, order: np.ndarray, axis: int = 0) -> Constant:
    """The features along `axis` moved to their channels-last positions."""
    return Constant(constant.dtype, np.take(constant.values, np.argsort(order), axis=axis))

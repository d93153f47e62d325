"""Channels-first flattening becomes channels-last flattening with the next matrix product's columns permuted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.ir import Constant, Graph, Node, Op
from neurobin.ops.dense import Dense
from neurobin.ops.flatten import Flatten
from neurobin.passes._rewrite import rewrite


@dataclass(frozen=True)
class AbsorbFlatten:
    """flatten(channels_first) -> [element-wise ...] -> dense: every per-feature parameter on the way is permuted."""

    name: str = "absorb-flatten"

    def apply(self, graph: Graph) -> Graph:
        orders: dict[str, np.ndarray] = {}  # tensor -> channels-last position of each of its features

        def rule(graph: Graph, node: Node) -> Sequence[Node] | None:
            if isinstance(node.op, Flatten):
                if not node.op.channels_first:
                    return None
                shape = graph.types[node.inputs[0]].shape
                orders[node.name] = np.moveaxis(np.arange(np.prod(shape)).reshape(shape), -1, 0).ravel()
                return [replace(node, op=Flatten())]
            order = next((orders[name] for name in node.inputs if name in orders), None)
            if order is None:
                return None
            if isinstance(node.op, Dense):
                columns = np.empty_like(node.op.weight.values)
                columns[:, order] = node.op.weight.values
                return [replace(node, op=replace(node.op, weight=Constant(node.op.weight.dtype, columns)))]
            if not node.op.elementwise or len(node.inputs) != 1:
                raise UnsupportedError(
                    f"{node.op.name} after a channels-first flatten",
                    where=f"node {node.name!r}",
                    hint="flatten before dense",
                )
            orders[node.name] = order
            return [replace(node, op=_permuted(node, order))]

        flattened = rewrite(graph, rule)
        bad = [name for name in graph.outputs if name in orders and not np.array_equal(orders[name], np.sort(orders[name]))]
        if bad:
            raise UnsupportedError("an output in channels-first order has no place to absorb it", where=f"tensor {bad[0]!r}")
        return flattened


def _permuted(node: Node, order: np.ndarray) -> Op:
    """The op with its per-feature parameters in channels-last order."""
    moved = {}
    for name, constant in node.op.constants().items():
        if len(constant.values) == len(order) > 1:
            values = np.empty_like(constant.values)
            values[order] = constant.values
            moved[name] = Constant(constant.dtype, values)
    return replace(node.op, **moved)

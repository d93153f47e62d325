"""Nodes that say what another node says: views and copies of the whole, and the straight-through estimator.

Quantizers with such an estimator are written x + (q(x) - x).detach(), or x - (x - q(x)).detach(): the value is q(x), which
these sums give but for the rounding of x. A graph takes q(x) itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx

# Operators whose result is their first operand, wherever they leave its type and shape.
_SAME = {
    "aten.detach.default",
    "aten.alias.default",
    "aten.clone.default",
    "aten.contiguous.default",
    "aten.lift_fresh_copy.default",
    "aten.type_as.default",
    "aten._to_copy.default",
    "aten.to.dtype",
    "aten.view.default",
    "aten.expand.default",
    "aten.dropout.default",
    "aten.feature_dropout.default",
}
_RANDOM = {"aten.dropout.default", "aten.feature_dropout.default"}  # where their third operand says so


def operator_name(node: fx.Node) -> str:
    """A call's operator as torch writes it, such as aten.add.Tensor."""
    target = node.target
    return str(target) if isinstance(target, torch._ops.OpOverload) else str(getattr(target, "__name__", target))


def aliases(nodes: Sequence[fx.Node]) -> Mapping[fx.Node, fx.Node]:
    """Every node that means what an earlier one does, with that."""
    found: dict[fx.Node, fx.Node] = {}
    for node in nodes:
        if node.op == "call_function":
            other = _copied(node) or _straight_through(node, found)
            if other is not None and _type(other) == _type(node):
                found[node] = other
    return found


def plain(node: Any, same: Mapping[fx.Node, fx.Node]) -> Any:
    """The node without copies; anything else as it is."""
    while isinstance(node, fx.Node) and node in same:
        node = same[node]
    return node


def _type(node: fx.Node) -> tuple[Any, ...]:
    value = node.meta.get("val")
    return (tuple(value.shape), value.dtype) if isinstance(value, Tensor) else (None, node)


def _copied(node: fx.Node) -> fx.Node | None:
    name = operator_name(node)
    if name not in _SAME or (name in _RANDOM and node.args[2]):
        return None
    return node.args[0] if isinstance(node.args[0], fx.Node) else None


def _straight_through(node: fx.Node, same: Mapping[fx.Node, fx.Node]) -> fx.Node | None:
    """q of x + (q - x) and (q - x) + x, and of x - (x - q)."""
    name = operator_name(node)
    if name not in ("aten.add.Tensor", "aten.sub.Tensor") or node.kwargs.get("alpha", 1) != 1 or len(node.args) != 2:
        return None
    pair = [plain(argument, same) for argument in node.args]
    for x, difference in (pair, pair[::-1]) if name == "aten.add.Tensor" else (pair,):
        if not isinstance(difference, fx.Node) or operator_name(difference) != "aten.sub.Tensor":
            continue
        if difference.kwargs.get("alpha", 1) != 1 or not isinstance(x, fx.Node):
            continue
        q, less = (plain(argument, same) for argument in difference.args[:2])
        if name == "aten.sub.Tensor":
            q, less = less, q
        if less is x and isinstance(q, fx.Node):
            return q
    return None

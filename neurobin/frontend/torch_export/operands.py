"""The arguments of one call of an ATen operator by the names of its schema, with its defaults filled in."""

from __future__ import annotations

from typing import Any

from torch import fx
from torch._ops import OpOverload

from neurobin.errors import UnsupportedError


class Arguments:
    """`a["alpha"]` and the like. Numbers are numbers, tensors are nodes, left out is None."""

    def __init__(self, node: fx.Node) -> None:
        assert isinstance(node.target, OpOverload)
        stated = node.target._schema.arguments
        self.values: dict[str, Any] = {one.name: one.default_value for one in stated}
        self.values |= dict(zip((one.name for one in stated), node.args, strict=False))
        self.values |= node.kwargs

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str) -> Any:
        """None for what the schema has not either: forms of an operator differ in that."""
        return self.values.get(name)

    def pair(self, name: str, axes: int = 2) -> tuple[int, ...]:
        """A size per axis, from one for all or one each."""
        value = self.values[name]
        given = [value] if isinstance(value, int) else list(value)
        return tuple(int(size) for size in (given * axes if len(given) == 1 else given))

    def require(self, holds: bool, what: str) -> None:
        """Raises UnsupportedError with that reason unless it holds."""
        if not holds:
            raise UnsupportedError(what)

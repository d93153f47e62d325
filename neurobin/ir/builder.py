"""`Builder`: writes a graph node by node, inferring types as it goes. Frontends and torch layers emit through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neurobin.ir.graph import Graph, Json, Node, infer
from neurobin.ir.op import Op
from neurobin.ir.types import TensorType


@dataclass
class Builder:
    """Start from typed inputs; `add` returns the new tensor's name; `graph` closes and verifies."""

    inputs: Mapping[str, TensorType]
    nodes: list[Node] = field(default_factory=list)
    types: dict[str, TensorType] = field(default_factory=dict)
    prefix: str = ""
    numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.types = {**self.inputs, **self.types}

    def add(self, op: Op, *sources: str, name: str = "") -> str:
        """Append `op`. Its name is `name` (or the current prefix and the op's name), numbered if taken."""
        base = name or (f"{self.prefix}.{op.name}" if self.prefix else op.name)
        unique, number = base, self.numbers.get(base, 2)
        while unique in self.types:
            unique, number = f"{base}_{number}", number + 1
        self.numbers[base] = number  # where to go on, or a deep network would count from 2 for every node
        node = Node(unique, op, sources)
        self.types[unique] = infer(node, self.types)
        self.nodes.append(node)
        return unique

    def graph(self, output: str, **meta: Json) -> Graph:
        return Graph(self.inputs, tuple(self.nodes), (output,), meta).verify()

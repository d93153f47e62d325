"""`Graph`: an immutable network in single-assignment form. Rewriting makes a new graph.

`verify` (and `types`) infers every type in order; a graph that verifies has unique names, every input defined before
its use, and no tensor that an op refuses.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, cast

from neurobin.errors import GraphError
from neurobin.ir.op import Op
from neurobin.ir.types import TensorType
from neurobin.ir.work import Work

if TYPE_CHECKING:
    import networkx as nx

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True)
class Node:
    """One operation: `name` names the node and the tensor it makes."""

    name: str
    op: Op
    inputs: tuple[str, ...]


@cache
def _signature(op: type) -> inspect.Signature:
    """The parameters of an op class's `infer`, self included."""
    return inspect.signature(op.infer)  # type: ignore[attr-defined]


def infer(node: Node, types: Mapping[str, TensorType]) -> TensorType:
    """The type of `node`'s result. Raises GraphError naming node and operands when they do not fit."""
    where = f"node {node.name!r} ({node.op.name})"
    missing = [name for name in node.inputs if name not in types]
    if missing:
        raise GraphError(f"reads {missing[0]!r}, which no earlier node defines", where=where)
    operands = [types[name] for name in node.inputs]
    try:
        _signature(cast(type, type(node.op))).bind(node.op, *operands)
    except TypeError:
        raise GraphError(f"takes a different number of inputs than {len(operands)}", where=where) from None
    if not operands:
        raise GraphError("has no inputs", where=where)
    try:
        return node.op.infer(*operands)
    except GraphError as error:
        shapes = ", ".join(map(str, operands))
        raise GraphError(f"{error.what} (inputs {shapes})", where=where, hint=error.hint) from None


@dataclass(frozen=True)
class Graph:
    """Inputs by name with their types, nodes in execution order, names of the outputs, and `meta` data about the model."""

    inputs: Mapping[str, TensorType]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    meta: Mapping[str, Json] = field(default_factory=dict)

    @cached_property
    def types(self) -> Mapping[str, TensorType]:
        """The type of every tensor by name. Raises GraphError naming the first node that is wrong."""
        types: dict[str, TensorType] = dict(self.inputs)
        if not types:
            raise GraphError("a graph has at least one input")
        for node in self.nodes:
            if node.name in types:
                raise GraphError("this name is defined twice", where=f"node {node.name!r}")
            types[node.name] = infer(node, types)
        if not self.outputs:
            raise GraphError("a graph has at least one output")
        for name in self.outputs:
            if name not in types:
                raise GraphError(f"output {name!r} is not defined")
        return types

    def verify(self) -> Graph:
        """Self, after all types were inferred. Raises GraphError otherwise."""
        _ = self.types
        return self

    @property
    def is_deployed(self) -> bool:
        """True when every tensor and every parameter is an integer: the graph has one meaning."""
        held = [kind.dtype for kind in self.types.values()]
        held += [constant.dtype for node in self.nodes for constant in node.op.constants().values()]
        return not any(dtype.is_float for dtype in held)

    @property
    def input(self) -> str:
        """The name of the only input. Raises GraphError when there are several."""
        if len(self.inputs) != 1:
            raise GraphError(f"expected one input, the graph has {len(self.inputs)}: {', '.join(self.inputs)}")
        return next(iter(self.inputs))

    @property
    def output(self) -> str:
        """The name of the only output. Raises GraphError when there are several."""
        if len(self.outputs) != 1:
            raise GraphError(f"expected one output, the graph has {len(self.outputs)}: {', '.join(self.outputs)}")
        return self.outputs[0]

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[str, ...]]:
        """For every tensor the nodes that read it, in order (a node that reads it twice appears twice)."""
        readers: dict[str, list[str]] = {name: [] for name in (*self.inputs, *(n.name for n in self.nodes))}
        for node in self.nodes:
            for name in node.inputs:
                readers[name].append(node.name)
        return {name: tuple(found) for name, found in readers.items()}

    def work(self, name: str) -> Work:
        """What node `name` asks of any machine, per inference."""
        node = self.by_name[name]
        return node.op.work(*(self.types[source] for source in node.inputs))

    def total_work(self) -> Work:
        """The sum over all nodes."""
        return sum((self.work(node.name) for node in self.nodes), Work())

    def last_use(self) -> dict[str, int]:
        """For every tensor the index of the last node that reads it; outputs live to the end (len(nodes))."""
        last = dict.fromkeys(self.inputs, -1)
        for index, node in enumerate(self.nodes):
            last[node.name] = index
            for name in node.inputs:
                last[name] = index
        return last | {name: len(self.nodes) for name in self.outputs}

    def view(self) -> nx.DiGraph:
        """A networkx view: tensors as vertices, data flow as edges, for order, generations and placement."""
        import networkx as nx  # a tenth of a second, which most commands do without

        view = nx.DiGraph()
        view.add_nodes_from(self.inputs)
        for node in self.nodes:
            view.add_node(node.name, op=node.op.name)
            view.add_edges_from((name, node.name) for name in node.inputs)
        return view

    def with_nodes(self, nodes: Iterable[Node], outputs: tuple[str, ...] | None = None) -> Graph:
        """A new graph with these nodes; inputs and meta stay."""
        return replace(self, nodes=tuple(nodes), outputs=self.outputs if outputs is None else outputs)

    def with_meta(self, **meta: Json) -> Graph:
        """A new graph whose meta data has these entries added or replaced."""
        return replace(self, meta={**self.meta, **meta})

    def pruned(self) -> Graph:
        """A new graph without the nodes that no output depends on."""
        needed = set(self.outputs)
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
        return self.with_nodes(node for node in self.nodes if node.name in needed)

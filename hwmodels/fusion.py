"""Stages: what sequential hardware runs as one kernel. A head op and the element-wise ops that only it feeds.

conv -> requantise -> prelu -> add(shortcut)    becomes one stage that writes the sum; the accumulator never reaches memory
"""

from __future__ import annotations

from dataclasses import dataclass

from neurobin.ir import Graph, Node


@dataclass(frozen=True)
class Stage:
    """`nodes` in execution order: the head, then its epilogue. `inputs` are the tensors read from memory, in order."""

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]

    @property
    def head(self) -> Node:
        return self.nodes[0]

    @property
    def epilogue(self) -> tuple[Node, ...]:
        return self.nodes[1:]

    @property
    def name(self) -> str:
        return self.head.name

    @property
    def output(self) -> str:
        return self.nodes[-1].name


def stages(graph: Graph) -> tuple[Stage, ...]:
    """Every node in exactly one stage, in an order in which every input is computed before it is read.

    A node joins the stage of the tensor it reads when it is element-wise, keeps that tensor's shape, is its only reader,
    and finds its other operands already computed by earlier stages.
    """
    outputs = set(graph.outputs)
    placed: set[str] = set()
    made: list[Stage] = []
    for node in graph.nodes:
        if node.name in placed:
            continue
        chain = [node]
        while (following := _next(graph, chain[-1], outputs, placed | set(graph.inputs))) is not None:
            chain.append(following)
        placed |= {member.name for member in chain}
        inside = {member.name for member in chain}
        reads = (source for member in chain for source in member.inputs if source not in inside)
        made.append(Stage(tuple(chain), tuple(dict.fromkeys(reads))))
    return tuple(made)


def _next(graph: Graph, last: Node, outputs: set[str], ready: set[str]) -> Node | None:
    """The node that continues a chain after `last`, if there is one."""
    readers = graph.consumers[last.name]
    if last.name in outputs or len(readers) != 1:
        return None
    reader = graph.by_name[readers[0]]
    others = [source for source in reader.inputs if source != last.name]
    fits = reader.op.elementwise and graph.types[reader.name].shape == graph.types[last.name].shape
    return reader if fits and all(source in ready for source in others) else None

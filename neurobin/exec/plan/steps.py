"""Which nodes run together: a linear layer, pool or move begins a step, and element-wise nodes join the step before them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from neurobin.exec.kernels import Elementwise
from neurobin.exec.kernels.layout import extent
from neurobin.ir import Graph, Node


@dataclass
class Step:
    """One kernel: its first node with what that node asks for (None: element-wise from the start), and the nodes behind.

    `request` is None and `root` set where an op has no native form and numpy computes it.
    """

    root: Node | None
    request: Any
    body: list[Node] = field(default_factory=list)

    @property
    def nodes(self) -> list[Node]:
        return [*([self.root] if self.root else []), *self.body]

    @property
    def reads(self) -> list[str]:
        """Tensors made by earlier steps, each once."""
        made = {node.name for node in self.nodes}
        return list(dict.fromkeys(name for node in self.nodes for name in node.inputs if name not in made))


def requests(graph: Graph) -> dict[str, Any]:
    """What each node asks for, by name."""
    return {node.name: _request(graph, node) for node in graph.nodes}


def _request(graph: Graph, node: Node) -> Any:
    """What the op asks for; nothing where operands of more than three axes stretch, of which kernels know no rule."""
    operands = [graph.types[name] for name in node.inputs]
    stretches = any(kind.shape != graph.types[node.name].shape for kind in operands)
    asked = node.op.native(*operands)
    many = len(graph.types[node.name].shape) > 3
    return None if isinstance(asked, Elementwise) and stretches and many else asked


def split(graph: Graph, asked: dict[str, Any], fusable: frozenset[type]) -> list[Step]:
    """The steps in execution order. An element-wise node joins the step of its latest operand when that one can take it
    (its request is in `fusable`, or it is element-wise itself) and makes results of the same size."""
    steps: list[Step] = []
    made_in: dict[str, int] = dict.fromkeys(graph.inputs, -1)
    for node in graph.nodes:
        request = asked[node.name]
        latest = max(made_in[name] for name in node.inputs)
        if isinstance(request, Elementwise) and latest >= 0 and _joins(graph, steps[latest], node, fusable):
            steps[latest].body.append(node)
            made_in[node.name] = latest
            continue
        alone = isinstance(request, Elementwise)
        steps.append(Step(None, None, [node]) if alone else Step(node, request))
        made_in[node.name] = len(steps) - 1
    return steps


def _joins(graph: Graph, step: Step, node: Node, fusable: frozenset[type]) -> bool:
    takes = step.root is None or type(step.request) in fusable
    first = step.nodes[0]
    return takes and extent(graph.types[first.name].shape) == extent(graph.types[node.name].shape)

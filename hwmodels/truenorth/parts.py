"""Which node runs where: host before, cores, host after.

The cores carry what lies between single-bit maps. A node no single-bit tensor leads to runs on the host before them
(transduction), a node that leads to no single-bit tensor runs on the host after them (the classifier's sums).
"""

from __future__ import annotations

from dataclasses import dataclass

from neurobin.ir import BINARY, BIPOLAR, TERNARY, Graph, Node
from neurobin.ops.multi_threshold import MultiThreshold

SINGLE_BIT = (BIPOLAR, BINARY)
LINEAR = frozenset({"bit_conv2d", "bit_dense"})
WIRING = frozenset({"channel_shuffle", "concat", "slice", "flatten", "reshape", "pad"})
_INDICES = frozenset({"arg_max"})  # their results are numbers of classes, even where one bit is enough


@dataclass(frozen=True)
class Parts:
    """`before` and `after` run on the host, `middle` must run on cores; `bits` are the tensors that spikes can carry."""

    before: tuple[Node, ...]
    middle: tuple[Node, ...]
    after: tuple[Node, ...]
    bits: frozenset[str]


def parts(graph: Graph) -> Parts:
    """Split a deployed graph by what leads to and from its single-bit tensors."""
    single = {name for name, kind in graph.types.items() if kind.dtype in SINGLE_BIT and not _is_index(graph, name)}
    reached: set[str] = set()  # a single-bit tensor leads here
    for node in graph.nodes:
        if any(source in single or source in reached for source in node.inputs):
            reached.add(node.name)
    leading = set(single)  # is one, or leads to one
    for node in reversed(graph.nodes):
        if node.name in leading:
            leading.update(node.inputs)
    before = tuple(node for node in graph.nodes if node.name not in reached)
    middle = tuple(node for node in graph.nodes if node.name in reached and node.name in leading)
    after = tuple(node for node in graph.nodes if node.name in reached and node.name not in leading)
    bits = set(single)
    for node in middle:  # a bipolar map that was padded with zeros: absent inputs, still one bit per element
        ternary = graph.types[node.name].dtype == TERNARY
        if ternary and node.op.name in WIRING and all(source in bits for source in node.inputs):
            bits.add(node.name)
    return Parts(before, middle, after, frozenset(bits))


def levels(graph: Graph, tensor: str) -> tuple[int, int]:
    """(low, step) of a spiking tensor: the value of an element is low + step * spike."""
    return (0, 1) if graph.types[tensor].dtype == BINARY else (-1, 2)


def is_bit_threshold(node: Node) -> bool:
    """True for a threshold that one neuron can apply: one level, one bit."""
    op = node.op
    return isinstance(op, MultiThreshold) and op.thresholds.shape[1] == 1 and op.dtype in SINGLE_BIT


def _is_index(graph: Graph, name: str) -> bool:
    node = graph.by_name.get(name)
    return node is not None and node.op.name in _INDICES

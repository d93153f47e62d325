"""Channels that are always 0 leave the network: the filters that make them, and the weights that read them.

    conv C->K -> [batch norm, quantizer, pool ...] -> affine with scale 0, bias 0 on closed channels -> conv K->O

Padding with 0 keeps closed channels at 0, so every other value stays exactly as it was. Grouped convolutions stay whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurobin.ir import Constant, Graph, Node
from neurobin.ops.affine import Affine
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense

_PER_CHANNEL = {"max_pool2d", "avg_pool2d", "flatten"}  # as long as there are as many channels behind as in front


@dataclass(frozen=True)
class DropChannels:
    """Acts where the affine map, and every tensor above it up to the convolution, has one reader that can go without."""

    name: str = "drop-channels"

    def apply(self, graph: Graph) -> Graph:
        for node in graph.nodes:
            if isinstance(node.op, Affine) and (chain := _chain(graph, node)):
                kept = np.flatnonzero(_open(node.op))
                graph = graph.with_nodes(chain.get(n.name, _keep_all)(n, kept) for n in graph.nodes)
        return graph


def _open(op: Affine) -> np.ndarray:
    """Which channels the map does not set to 0."""
    return np.asarray((op.scale.values != 0) | (op.bias.values != 0))


def _chain(graph: Graph, node: Node) -> dict:
    """What happens to each node from the convolution to the reader; nothing when there is no such chain."""
    assert isinstance(node.op, Affine)
    still = _open(node.op)
    if still.all() or not still.any() or graph.types[node.name].channels != len(still):
        return {}
    reader = _only_reader(graph, node.name)
    if reader is None or not _reads_all(reader):
        return {}
    chain = {reader.name: _fewer_inputs, node.name: _fewer_channels}
    above = node
    while (source := graph.by_name.get(above.inputs[0])) is not None and _only_reader(graph, source.name) is not None:
        if _reads_all(source):
            return chain | {source.name: _fewer_outputs}
        if len(source.inputs) != 1 or not (source.op.elementwise or source.op.name in _PER_CHANNEL):
            return {}
        if graph.types[source.name].channels != graph.types[source.inputs[0]].channels:
            return {}
        chain[source.name] = _fewer_channels
        above = source
    return {}


def _only_reader(graph: Graph, name: str) -> Node | None:
    readers = graph.consumers[name]
    return graph.by_name[readers[0]] if len(readers) == 1 and name not in graph.outputs else None


def _reads_all(node: Node) -> bool:
    """A product in which every output reads every channel, with borders of 0."""
    return isinstance(node.op, Dense) or (isinstance(node.op, Conv2d) and node.op.groups == 1 and node.op.pad_value == 0)


def _keep_all(node: Node, kept: np.ndarray) -> Node:
    return node


def _fewer_inputs(node: Node, kept: np.ndarray) -> Node:
    assert isinstance(node.op, Conv2d | Dense)
    return replace(node, op=replace(node.op, weight=_take(node.op.weight, kept, -1)))


def _fewer_outputs(node: Node, kept: np.ndarray) -> Node:
    assert isinstance(node.op, Conv2d | Dense)
    return replace(node, op=replace(node.op, weight=_take(node.op.weight, kept, 0), scale=_share(node.op.scale, kept)))


def _fewer_channels(node: Node, kept: np.ndarray) -> Node:
    """An op whose constants have one value, or one row, per channel or for all."""
    shares = {name: _share(constant, kept) for name, constant in node.op.constants().items()}
    return replace(node, op=replace(node.op, **shares)) if shares else node


def _share(constant: Constant, kept: np.ndarray) -> Constant:
    return constant if constant.shape[0] == 1 else _take(constant, kept, 0)


def _take(constant: Constant, kept: np.ndarray, axis: int) -> Constant:
    return Constant(constant.dtype, np.take(constant.values, kept, axis=axis))

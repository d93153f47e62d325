"""A graph as an accelerator would run it: convolutions and matrix products with everything fused behind them until a map is
stored.

Behind a layer, element-wise operations, sums with another map, pools and quantizers are fused as long as one reader follows.
The map is stored where several nodes read it, where it is concatenated, or where the next layer reads it. Of a map that a
real shortcut shares with a sign, real values are stored; of a plain network's, the bits are. A pool whose input has other
readers stands on a shortcut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from neurobin.counting.operands import QUANTIZERS, linear_nodes, operand, weight
from neurobin.ir import DType, Graph, Node

POOLS = ("max_pool2d", "avg_pool2d", "sum_pool2d")


@dataclass(frozen=True)
class Pool:
    """A pool fused behind a layer: windows of `taps` values on a map of `inputs` values leave `outputs`."""

    is_max: bool
    taps: int
    inputs: int
    outputs: int
    is_global: bool


@dataclass(frozen=True)
class FusedLayer:
    """One convolution or matrix product with what is fused behind it.

    `fan_in` products make one of `outputs` sums; `operand` and `weight` are the types multiplied, `read` and `stored` those
    of the maps in memory, of `inputs` and `written` elements. `reach` is the fan-in of a convolution without groups.
    """

    name: str
    fan_in: int
    reach: int
    channels: int
    outputs: int
    weights: int
    operand: DType
    weight: DType
    inputs: int
    read: DType
    written: int
    stored: DType
    pools: tuple[Pool, ...]


def fused_layers(graph: Graph) -> list[FusedLayer]:
    """The layers in order."""
    return [_layer(graph, node) for node in linear_nodes(graph)]


def _layer(graph: Graph, node: Node) -> FusedLayer:
    shape = node.op.constants()["weight"].shape
    result, source = graph.types[node.name], graph.types[node.inputs[0]]
    chain = list(_behind(graph, node.name))
    pools = tuple(_pool(graph, step, shape[0]) for step in chain if step.op.name in POOLS)
    return FusedLayer(
        name=node.name,
        fan_in=prod(shape[1:]),
        reach=prod(shape[1:-1]) * source.channels,
        channels=shape[0],
        outputs=result.size,
        weights=prod(shape),
        operand=operand(graph, node),
        weight=weight(node),
        inputs=source.size,
        read=_stored(graph, node.inputs[0]),
        written=pools[-1].outputs if pools else result.size,
        stored=_stored(graph, chain[-1].name if chain else node.name),
        pools=pools,
    )


def _behind(graph: Graph, name: str) -> Iterator[Node]:
    """The nodes fused behind a tensor, in order."""
    while len(readers := set(graph.consumers[name])) == 1:
        node = graph.by_name[readers.pop()]
        if node.op.linear or node.op.name == "concat":
            return
        yield node
        name = node.name


def _pool(graph: Graph, node: Node, channels: int) -> Pool:
    kernel = node.op.kernel  # type: ignore[attr-defined]
    before, after = graph.types[node.inputs[0]].shape, graph.types[node.name].shape
    sizes = prod(before[:2]) * channels, prod(after[:2]) * channels
    return Pool(node.op.name == "max_pool2d", prod(kernel), *sizes, tuple(kernel) == before[:2])


def _stored(graph: Graph, name: str) -> DType:
    """The type in which the map behind tensor `name` is kept: a quantizer's, if nobody else reads what it quantizes."""
    quantized: DType | None = None
    while (node := graph.by_name.get(name)) is not None and len(node.inputs) == 1 and not node.op.linear:
        if node.op.name in QUANTIZERS:
            quantized = graph.types[name].dtype
        name = node.inputs[0]
        if quantized is not None and len(set(graph.consumers[name])) > 1:
            return graph.types[name].dtype
    if quantized is None or (node is not None and node.op.name == "concat"):
        return graph.types[name].dtype
    return quantized

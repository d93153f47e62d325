"""Which numbers a product multiplies, read from the graph: the operand's element type behind scales that were pulled out.

A quantizer's codes are often rescaled before a convolution reads them, as DoReFa's q / (2^k - 1); the product is then still
one of codes, as deployment shows. So the walk goes back over scalings with one factor for all channels and over all that
moves or chooses values, and stops at the first integer type. An image counts as real, however few levels its pixels have.
"""

from __future__ import annotations

from neurobin.ir import FLOAT32, DType, Graph, Node
from neurobin.ops.affine import Affine

QUANTIZERS = ("sign", "quantize", "multi_threshold")
MOVING = ("max_pool2d", "flatten", "reshape", "channel_shuffle", "slice", "pad")
NARROW_BITS = 7  # products with an operand of 8 bits or more count as real ones


def linear_nodes(graph: Graph) -> list[Node]:
    """The convolutions and matrix products in order."""
    return [node for node in graph.nodes if node.op.linear]


def operand(graph: Graph, node: Node) -> DType:
    """The element type of the activations that a linear node multiplies; real when they were not quantized."""
    name = node.inputs[0]
    if _is_image(graph, name):
        return FLOAT32
    while (source := graph.by_name[name]).op.name in MOVING or _rescales(source):
        if not graph.types[name].dtype.is_float:
            break
        name = source.inputs[0]
    return graph.types[name].dtype


def _is_image(graph: Graph, name: str) -> bool:
    """True when a tensor is the graph's input, moved or rescaled at most."""
    while (source := graph.by_name.get(name)) is not None:
        if source.op.name not in (*MOVING, "affine", "requantise"):
            return False
        name = source.inputs[0]
    return True


def weight(node: Node) -> DType:
    """The element type of a linear node's weights."""
    return node.op.constants()["weight"].dtype


def is_narrow(dtype: DType) -> bool:
    """True for what a binary network calls quantized: integers of fewer than 8 bits."""
    return not dtype.is_float and dtype.bits <= NARROW_BITS


def is_quantized(graph: Graph) -> bool:
    """True when any product has a narrow factor."""
    return any(is_narrow(weight(node)) or is_narrow(operand(graph, node)) for node in linear_nodes(graph))


def _rescales(node: Node) -> bool:
    return isinstance(node.op, Affine) and node.op.scale.shape == node.op.bias.shape == (1,)

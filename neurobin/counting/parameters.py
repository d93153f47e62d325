"""Parameters of a graph by stored width. Real numbers are stored in 32 bits, or in what the convention says.

What has one value for all channels is a setting of the network, not a parameter: the range of the input, the step of a
quantizer, the threshold 0. Batch norms that did not learn gamma or beta hold one value in its place, likewise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from neurobin.counting.convention import Convention
from neurobin.counting.operands import is_quantized, linear_nodes
from neurobin.ir import Constant, Graph, Node
from neurobin.ops.batch_norm import BatchNorm

REAL_BITS = 32


@dataclass(frozen=True)
class Parameters:
    """How many parameters there are of each stored width in bits."""

    by_bits: Counter[int]

    @property
    def count(self) -> int:
        return self.by_bits.total()

    @property
    def bits(self) -> int:
        """What they take together, without padding."""
        return sum(bits * count for bits, count in self.by_bits.items())


def parameters(graph: Graph, convention: Convention) -> Parameters:
    """The parameters as `convention` counts them."""
    found: Counter[int] = Counter()
    real = convention.real_bits if is_quantized(graph) else REAL_BITS
    if convention.affine_bits is not None:
        for node in linear_nodes(graph):
            found[convention.affine_bits // 2] += 2 * node.op.constants()["weight"].shape[0]
    for node in graph.nodes:
        if convention.affine_bits is None or node.op.linear:
            for bits, count in _of(node, convention):
                found[real if bits is None else bits] += count
    return Parameters(found)


def _of(node: Node, convention: Convention) -> Iterator[tuple[int | None, int]]:
    """(bits, count) of every parameter array of a node; None for real numbers."""
    constants = node.op.constants()
    if node.op.linear:
        yield _width(constants["weight"]), constants["weight"].values.size
    elif isinstance(node.op, BatchNorm):
        yield None, _batch_norm(node.op, convention)
    else:
        for name, constant in constants.items():
            if _varies(constant) or name == "slope":
                yield _width(constant), constant.values.size


def _width(constant: Constant) -> int | None:
    return None if constant.dtype.is_float else constant.dtype.bits


def _batch_norm(op: BatchNorm, convention: Convention) -> int:
    channels = op.mean.values.size
    if convention.fused_batch_norm:
        return 2 * channels
    learned = sum(part.values.size for part in (op.gamma, op.beta) if part.values.size == channels)
    return 2 * channels + learned


def _varies(constant: Constant) -> bool:
    """One value or row per channel, not one for all."""
    return constant.shape[0] > 1

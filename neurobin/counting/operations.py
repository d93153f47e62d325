"""Multiply-accumulates of a graph: binary ones in BOPs, real ones in FLOPs, from the ops' own counts of work.

A product of k_w-bit weights with k_a-bit activations counts as k_w k_a BOPs: so many pairs of bit planes are multiplied. One
with a real operand, or one of 8 bits and more, is real. Taps on padding count, as in every table of the literature.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurobin.counting.convention import Convention
from neurobin.counting.operands import is_narrow, linear_nodes, operand, weight
from neurobin.ir import Graph

WORD_BITS = 64  # binary operations that one operation on a machine word does


@dataclass(frozen=True)
class Operations:
    """Per inference of one image."""

    bops: int
    flops: int

    @property
    def ops(self) -> float:
        return self.bops / WORD_BITS + self.flops


def operations(graph: Graph, convention: Convention) -> Operations:
    """The operations that `convention` counts."""
    bops = flops = 0
    nodes = linear_nodes(graph)
    for node in nodes:
        if node is nodes[-1] and not convention.last_dense and node.op.name.endswith("dense"):
            continue
        macs = graph.work(node.name).total("mac")
        weights, activations = weight(node), operand(graph, node)
        if is_narrow(weights) and is_narrow(activations):
            bops += macs * weights.bits * activations.bits
        else:
            flops += macs
    return Operations(bops, flops)

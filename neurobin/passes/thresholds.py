"""Real per-channel chains before a quantizer fold into integer thresholds, exactly as the reference engine computes them.

The chain (scale, batch norm, ReLU, PReLU, hardtanh, ...) is a monotone function of the accumulator in each channel. The
threshold of level l is the smallest integer s whose code reaches l, found by bisection over the accumulator's range with
the chain's own `reference` functions. Rounding, ties, gamma < 0 (descending channels) and gamma = 0 (constants) therefore
agree with the reference by construction, for every integer the accumulator can hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.ir import BINARY, Constant, DType, Graph, Node, Op, int_for
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.prelu import Prelu
from neurobin.passes._rewrite import rewrite

MONOTONE = {"affine", "batch_norm", "relu", "clip", "prelu"}
QUANTIZERS = {"sign", "quantize", "multi_threshold"}


@dataclass(frozen=True)
class Thresholds:
    """chain(quantizer) on an integer tensor -> multi_threshold on that tensor."""

    name: str = "thresholds"

    def apply(self, graph: Graph) -> Graph:
        return rewrite(graph, _rule)


def _rule(graph: Graph, node: Node) -> Sequence[Node] | None:
    if node.op.name not in QUANTIZERS:
        return None
    if isinstance(node.op, MultiThreshold) and not graph.types[node.inputs[0]].dtype.is_float:
        return None  # folded already
    chain: list[Op] = [node.op]
    source = node.inputs[0]
    while graph.types[source].dtype.is_float:
        step = graph.by_name.get(source)
        if step is None or not is_monotone(step.op):
            return None
        chain.insert(0, step.op)
        source = step.inputs[0]
    kind = graph.types[source]
    op = fold(chain, kind.dtype, graph.types[node.name].dtype, kind.channels)
    return [Node(node.name, op, (source,))]


def is_monotone(op: Op) -> bool:
    """True for ops that are monotone in each channel for any parameters they hold."""
    return op.name in MONOTONE and not (isinstance(op, Prelu) and bool((op.slope.values < 0).any()))


def fold(chain: Sequence[Op], source: DType, result: DType, channels: int) -> MultiThreshold:
    """The thresholds over integers of `source` that give the codes (of type `result`) of the monotone `chain`.

    Channels in which every parameter is the same share one row where all of them do.
    """
    values_of = _levels(chain[-1], result)
    levels = len(values_of) - 1

    def rank(values: np.ndarray) -> np.ndarray:  # [M, C] accumulators -> [M, C] levels 0 ... L
        for op in chain:
            values = op.reference(values)
        return np.searchsorted(values_of, values)

    ends = rank(np.array([[source.low] * channels, [source.high] * channels]))
    down = ends[0] > ends[1]
    wanted = np.arange(1, levels + 1)[:, None]
    low = np.full((levels, channels), source.low, dtype=np.int64)
    high = np.full((levels, channels), source.high + 1, dtype=np.int64)
    while (low < high).any():  # invariant: levels below `low` are not reached, at `high` they are (or never)
        middle = (low + high) >> 1
        reached = rank(middle)
        reached = np.where(down, levels - reached, reached) >= wanted
        open_ = low < high
        high = np.where(open_ & reached, middle, high)
        low = np.where(open_ & ~reached, middle + 1, low)
    thresholds = Constant(int_for(source.low, source.high + 1), low.T)
    return MultiThreshold(thresholds, result, Constant(BINARY, down.astype(np.int8)))


def _levels(quantizer: Op, result: DType) -> np.ndarray:
    """int64 [L + 1]: the values the quantizer can give, ascending; a multi-threshold may leave out the highest ones."""
    if isinstance(quantizer, MultiThreshold):
        return quantizer.levels
    return np.arange(result.low, result.high + 1, 2 if result.is_bipolar else 1)

"""Why a graph does not fit on the cores: every reason at once, node by node, as a sentence with the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from hwmodels.target import Issue
from hwmodels.truenorth.chip import TrueNorthChip
from hwmodels.truenorth.layers import filters, reach
from hwmodels.truenorth.parts import LINEAR, SINGLE_BIT, WIRING, Parts, is_bit_threshold, parts
from neurobin.ir import Graph, Node
from neurobin.ops.multi_threshold import MultiThreshold

_REAL = {
    "add": "adds two maps: a real shortcut needs an adder of sums, which the chip lacks",
    "requantise": "rescales sums: a neuron compares its sum with a threshold and passes on one bit",
    "prelu": "bends sums: a neuron compares its sum with a threshold and passes on one bit",
    "multiply": "multiplies two maps: the chip has no multiplier",
    "position_scale": "scales sums by their position: a neuron compares its sum with a threshold and passes on one bit",
    "lookup": "looks values up in a table, which the chip lacks",
    "logic": "combines two bits by logic: xnor is no threshold of a sum, and no other gate is placed on cores here",
    "channel_sum": "sums channels to more than one bit",
    "sum_pool2d": "sums windows to more than one bit",
}


def structural_issues(graph: Graph, chip: TrueNorthChip) -> list[Issue]:
    """What can be said before anything is placed: types, weights, fan-in, and ops between single-bit maps."""
    if not graph.is_deployed:
        real = next(name for name, kind in graph.types.items() if kind.dtype.is_float)
        return [Issue(real, "is real; cores run deployed graphs, integers only (neurobin lower MODEL)")]
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        ends = f"{len(graph.inputs)} inputs and {len(graph.outputs)} outputs"
        return [Issue("", f"the graph has {ends}, expected one of each")]
    split = parts(graph)
    issues = []
    for node in split.middle:
        reasons = _REASONS.get(node.op.name, _real)(graph, node, split, chip)
        issues += [Issue(node.name, reason) for reason in reasons]
    if not split.middle:
        return no_layers(graph, chip)
    if issues:  # a refused network also hears of convolutions after its last bits, which the host would have had to run
        late = (node for node in split.after if node.op.name == "bit_conv2d")
        issues += [Issue(node.name, reason) for node in late for reason in _linear(graph, node, split, chip)]
    return issues


def no_layers(graph: Graph, chip: TrueNorthChip) -> list[Issue]:
    """Why none of the layers of a graph can be put on cores."""
    split = parts(graph)
    issues = [Issue("", "no layer is left for the cores: none has single-bit inputs and single-bit results")]
    for node in graph.nodes:
        if node.op.name in _MULTIPLY:
            kinds = f"{graph.types[node.inputs[0]].dtype} activations by {node.op.constants()['weight'].dtype} weights"
            issues.append(Issue(node.name, f"multiplies {kinds}, an axon carries one bit and a weight is -1, 0 or +1"))
        elif node.op.name in LINEAR:
            issues += [Issue(node.name, reason) for reason in _linear(graph, node, split, chip)]
    return issues


_MULTIPLY = ("int_conv2d", "int_dense")


def _linear(graph: Graph, node: Node, split: Parts, chip: TrueNorthChip) -> list[str]:
    reasons = []
    source = node.inputs[0]
    if source not in split.bits:
        reasons.append(f"reads {graph.types[source].dtype} activations, an axon carries one bit per tick")
    widest = int(np.abs(filters(node)).max())
    if widest > 1:
        reasons.append(f"has weights up to {widest}, an axon pair carries -1, 0 and +1")
    readers = graph.consumers[node.name]
    if node.name in graph.outputs or not readers:
        reasons.append("its sums are an output, a neuron passes on one bit")
    for reader in map(graph.by_name.__getitem__, readers):
        if not is_bit_threshold(reader):
            reasons.append(f"its sums go to {reader.op.name} {reader.name!r}, a neuron passes on one bit and no sum")
    return reasons + _fan_in(graph, node, chip)


def _fan_in(graph: Graph, node: Node, chip: TrueNorthChip) -> list[str]:
    support = chip.tiling_of(reach(graph, node)).support
    if support <= chip.fan_in:
        return []
    limit = f"a core takes {chip.fan_in} ({chip.axons} axons, a pair per input)"
    if node.op.name != "bit_conv2d":
        return [f"each output sums {support} inputs, {limit}: use a convolution with groups instead, or prune"]
    least = -(-support // chip.fan_in)
    return [f"each output sums {support} inputs, {limit}: group the convolution, {least} times finer at least"]


def _threshold(graph: Graph, node: Node, split: Parts, chip: TrueNorthChip) -> list[str]:
    op = node.op
    assert isinstance(op, MultiThreshold)
    reasons = []
    if not is_bit_threshold(node):
        reasons.append(f"makes {op.thresholds.shape[1] + 1} levels of {op.dtype}, a neuron makes one bit")
    if node.inputs[0] in split.bits:  # anything else that is no sum of a neuron has a reason of its own
        reasons.append("thresholds what no neuron sums: expected a bit convolution or bit matrix product before it")
    return reasons


def _pool(graph: Graph, node: Node, split: Parts, chip: TrueNorthChip) -> list[str]:
    dtype = graph.types[node.inputs[0]].dtype
    if dtype not in SINGLE_BIT:
        return [f"takes the maximum of {dtype} values, a neuron can do so for single bits: threshold before the pool"]
    support = chip.tiling_of(reach(graph, node)).support
    return [] if support <= chip.axons else [f"its window holds {support} inputs, a core has {chip.axons} axons"]


def _wiring(graph: Graph, node: Node, split: Parts, chip: TrueNorthChip) -> list[str]:
    return [] if node.name in split.bits else [f"moves {graph.types[node.name].dtype} values, a spike carries one bit"]


def _real(graph: Graph, node: Node, split: Parts, chip: TrueNorthChip) -> list[str]:
    return [_REAL.get(node.op.name, f"{node.op.name} between single-bit maps: a core sums spikes and compares")]


_REASONS: Mapping[str, Callable[[Graph, Node, Parts, TrueNorthChip], list[str]]] = {
    "bit_conv2d": _linear,
    "bit_dense": _linear,
    "multi_threshold": _threshold,
    "max_pool2d": _pool,
    **dict.fromkeys(WIRING, _wiring),
}

"""Layers of threshold neurons over spikes: what bit convolutions, matrix products and pools become before they have cores.

Every spiking tensor is an array of element ids; wiring ops run on ids as they run on values, so they cost nothing.

A value is low + step * b with the spike b in {0, 1}, so over the taps of a neuron, with S = sum of w * b,

    sum(w * value) = step * S + c,    c = low * sum(w, taps that exist) + step * sum(w, taps padded with the high value)
    sum >= t  <=>  S >= ceil((t - c) / step)
    sum <  t  <=>  -S >= 1 - ceil((t - c) / step)       (a descending channel: weights and threshold change sign)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hwmodels.truenorth.parts import LINEAR, WIRING, Parts, is_bit_threshold, levels
from hwmodels.truenorth.tile import Reach, reach_of
from neurobin.ir import Graph, Node
from neurobin.ops._window import Window
from neurobin.ops.bit_conv2d import BitConv2d
from neurobin.ops.bit_dense import BitDense
from neurobin.ops.max_pool2d import MaxPool2d
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.pad import Pad

LOW, HIGH, ABSENT = -1, -2, -3  # ids of constants: the low value, the high value, and a zero that no axon carries


@dataclass(frozen=True, eq=False)
class Taps:
    """What the outputs of a layer read: ids [P, G, K] for P positions and G groups, and the geometry behind them."""

    ids: np.ndarray
    grid: tuple[int, int]
    reach: Reach

    @property
    def groups(self) -> int:
        return int(self.ids.shape[1])


@dataclass(frozen=True, eq=False)
class BitLayer:
    """Neurons that fire iff sum(weight * spikes) >= theta.

    `node` is the op whose events these are, `output` the tensor of the spikes; weight int8 [O, K] with O = G * share;
    theta int64 [P, O]; `axons_per_input` 2 (weights +1 and -1) or 1; output (p, o) has the id first + p * O + o.
    `depth` is the tick, counted from injection, in which a frame is here.
    """

    node: str
    output: str
    taps: Taps
    weight: np.ndarray
    theta: np.ndarray
    axons_per_input: int
    first: int
    depth: int

    @property
    def outputs(self) -> int:
        """Per position."""
        return int(self.weight.shape[0])

    @property
    def size(self) -> int:
        """Distinct neurons, copies not counted."""
        return int(self.theta.size)


@dataclass(frozen=True, eq=False)
class Readout:
    """A classifier on cores: class o = offset[o] + step * (spikes of its thermometer neurons), exactly.

    `ids` of all its neurons and the class of each (`classes`), in the same order.
    """

    node: str
    ids: np.ndarray
    classes: np.ndarray
    offset: np.ndarray
    step: int

    def decode(self, spikes: np.ndarray) -> np.ndarray:
        """int64 [N, O] sums from spikes [N, neurons]."""
        member = (self.classes[:, None] == np.arange(len(self.offset))).astype(np.int64)
        return self.offset + self.step * (spikes.astype(np.int64) @ member)


@dataclass(frozen=True, eq=False)
class Net:
    """Everything the cores compute. Ids: host elements first (`sources`: tensor -> first id), then layer after layer.

    `ids` maps every spiking tensor to its element ids; `depth` [ids] is the tick in which an element is on its way.
    """

    sources: Mapping[str, int]
    layers: tuple[BitLayer, ...]
    readouts: tuple[Readout, ...]
    ids: Mapping[str, np.ndarray]
    depth: np.ndarray

    @property
    def hosted(self) -> int:
        """Elements that the host injects; their ids come first."""
        return self.layers[0].first if self.layers else len(self.depth)

    @property
    def ticks(self) -> int:
        """Ticks a frame spends in cores."""
        return max((layer.depth for layer in self.layers), default=0)


def build(graph: Graph, split: Parts, readout_fan_in: int) -> Net:
    """The layers of a graph whose middle part was checked.

    Classifiers after it become layers too when they sum at most `readout_fan_in` inputs.
    """
    heads = [node for node in split.after if _can_read_out(graph, split, node, readout_fan_in)]
    ids: dict[str, np.ndarray] = {}
    sources: dict[str, int] = {}
    count = 0
    known = {node.name for node in split.middle}
    for node in (*split.middle, *heads):
        for name in node.inputs:
            if name in split.bits and name not in known and name not in ids:
                size = graph.types[name].size
                ids[name] = np.arange(count, count + size).reshape(graph.types[name].shape)
                sources[name] = count
                count += size
    net = Net(sources, (), (), ids, np.zeros(count, np.int64))
    for node in (*split.middle, *heads):
        if node.op.name in WIRING:
            net = replace(net, ids={**net.ids, node.name: _wired(graph, node, net.ids)})
        elif node.name in split.bits:
            net = _LAYERS[node.op.name](graph, node, net)
        elif node in heads:
            net = _read_out(graph, node, net)
    return net


def _can_read_out(graph: Graph, split: Parts, node: Node, fan_in: int) -> bool:
    """True for a matrix product with weights -1, 0, +1 over at most `fan_in` spikes."""
    op = node.op
    if not isinstance(op, BitDense) or node.inputs[0] not in split.bits or op.weight.shape[1] > fan_in:
        return False
    return bool((np.abs(op.weight.values) <= 1).all())


def taps_of(graph: Graph, node: Node, ids: np.ndarray) -> Taps:
    """What linear nodes and pools read, as ids; `ids` has the shape of the node's input."""
    return _TAPS[node.op.name](graph, node, ids)


def reach(graph: Graph, node: Node) -> Reach:
    """The geometry of a linear node or pool, without knowing the wiring."""
    shape = graph.types[node.inputs[0]].shape
    return taps_of(graph, node, np.zeros(shape, np.int64)).reach


def repeats(taps: Taps) -> int:
    """How many outputs (positions times groups) read one element twice: an axon pair cannot carry a weight of 2."""
    ordered = np.sort(taps.ids, axis=-1)
    return int(((ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] >= 0)).any(-1).sum())


def _conv_taps(graph: Graph, node: Node, ids: np.ndarray) -> Taps:
    op = node.op
    assert isinstance(op, BitConv2d)
    pad = {0: ABSENT, 1: HIGH, -1: LOW}[op.pad_value]
    return _window_taps(op.window, ids, pad, op.groups)


def _dense_taps(graph: Graph, node: Node, ids: np.ndarray) -> Taps:
    return Taps(ids.reshape(1, 1, -1), (1, 1), Reach((frozenset({0}),), (frozenset({0}),), ids.size, (1, 1)))


def _pool_taps(graph: Graph, node: Node, ids: np.ndarray) -> Taps:
    assert isinstance(node.op, MaxPool2d)
    return _window_taps(node.op.window, ids, ABSENT, ids.shape[-1])


def _window_taps(window: Window, ids: np.ndarray, pad: int, groups: int) -> Taps:
    patches = window.patches(ids[None], pad)[0]  # [OH, OW, KH, KW, C]
    height, width, *_, channels = patches.shape
    depth = channels // groups
    split = patches.reshape(height * width, window.taps, groups, depth).transpose(0, 2, 1, 3)
    taps = split.reshape(height * width, groups, window.taps * depth)
    return Taps(taps, (height, width), reach_of(window, ids.shape, depth))


_TAPS: Mapping[str, Callable[[Graph, Node, np.ndarray], Taps]] = {
    "bit_conv2d": _conv_taps,
    "bit_dense": _dense_taps,
    "max_pool2d": _pool_taps,
}


def _wired(graph: Graph, node: Node, ids: Mapping[str, np.ndarray]) -> np.ndarray:
    """The ids of a wiring op's result: its own reference meaning, applied to ids."""
    op = node.op
    if isinstance(op, Pad):
        op = replace(op, value={0: ABSENT, 1: HIGH, -1: LOW}[op.value])
    return np.asarray(op.reference(*(ids[name][None] for name in node.inputs))[0])


def _threshold_layer(graph: Graph, node: Node, net: Net) -> Net:
    head, op = graph.by_name[node.inputs[0]], node.op
    assert head.op.name in LINEAR
    assert isinstance(op, MultiThreshold)
    assert is_bit_threshold(node)
    taps = taps_of(graph, head, net.ids[head.inputs[0]])
    weight = filters(head)
    low, step = levels(graph, head.inputs[0])
    theta = -((_offset(taps, weight, low, step) - op.thresholds.values[:, 0].astype(np.int64)) // step)
    down = np.broadcast_to(op.descending.values.astype(bool), weight.shape[:1])
    weight = np.where(down[:, None], -weight, weight)
    theta = np.where(down, 1 - theta, theta)
    return _append(net, graph, head.name, node.name, taps, weight, theta, 2)


def _pool_layer(graph: Graph, node: Node, net: Net) -> Net:
    """The maximum of bits is 1 iff one of them is: a neuron of threshold 1 over single axons of weight +1."""
    taps = taps_of(graph, node, net.ids[node.inputs[0]])
    ones = np.ones((taps.groups, taps.ids.shape[-1]), np.int64)
    theta = 1 - (taps.ids == HIGH).sum(-1)
    return _append(net, graph, node.name, node.name, taps, ones, theta, 1)


_LAYERS: Mapping[str, Callable[[Graph, Node, Net], Net]] = {
    "multi_threshold": _threshold_layer,
    "max_pool2d": _pool_layer,
}


def _read_out(graph: Graph, node: Node, net: Net) -> Net:
    """Thermometer neurons: of n weights -1 and p weights +1, S is -n ... p; neuron l = 1 ... n + p fires iff S >= l - n."""
    source = node.inputs[0]
    taps, weight = taps_of(graph, node, net.ids[source]), filters(node)
    low, step = levels(graph, source)
    real = taps.ids[0, 0] >= 0
    positive, negative = ((weight > 0) & real).sum(1), ((weight < 0) & real).sum(1)
    count = positive + negative
    classes = np.repeat(np.arange(len(weight)), count)
    rank = np.arange(len(classes)) - np.repeat(np.cumsum(count) - count, count) + 1
    first = len(net.depth)
    net = _append(net, graph, node.name, node.name, taps, weight[classes], (rank - negative[classes])[None], 2)
    offset = _offset(taps, weight, low, step)[0] - step * negative
    readout = Readout(node.name, np.arange(first, first + len(classes)), classes, offset, step)
    return replace(net, readouts=(*net.readouts, readout), ids={k: v for k, v in net.ids.items() if k != node.name})


def filters(node: Node) -> np.ndarray:
    """int64 [O, K] weights of a linear node."""
    weight = node.op.constants()["weight"].values.astype(np.int64)
    return weight.reshape(weight.shape[0], -1)


def _offset(taps: Taps, weight: np.ndarray, low: int, step: int) -> np.ndarray:
    """int64 [P, O]: the constant c of the module's equation."""
    constant = low * (taps.ids != ABSENT) + step * (taps.ids == HIGH)
    return grouped(constant, weight)


def grouped(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """[P, O] = values [P, G, K] times the filters [O, K] of each group."""
    positions, groups, length = values.shape
    shares = weight.reshape(groups, -1, length)
    product = values.transpose(1, 0, 2) @ shares.transpose(0, 2, 1)  # [G, P, share]
    return product.transpose(1, 0, 2).reshape(positions, -1)


def _append(
    net: Net, graph: Graph, node: str, output: str, taps: Taps, weight: np.ndarray, theta: np.ndarray, axons: int
) -> Net:
    """The net with one more layer. Thresholds out of reach are moved to where the neuron still always or never fires."""
    real = (taps.ids >= 0).astype(np.int64)
    never = grouped(real, np.maximum(weight, 0)) + 1
    always = grouped(real, np.minimum(weight, 0))
    reads = taps.ids[taps.ids >= 0]
    depth = 1 + int(net.depth[reads].max(initial=0))
    layer = BitLayer(node, output, taps, weight.astype(np.int8), np.clip(theta, always, never), axons, len(net.depth), depth)
    shape = graph.types[output].shape if layer.size == graph.types[output].size else (layer.size,)
    ids = np.arange(layer.first, layer.first + layer.size).reshape(shape)
    depths = np.append(net.depth, np.full(layer.size, depth))
    return replace(net, layers=(*net.layers, layer), ids={**net.ids, output: ids}, depth=depths)

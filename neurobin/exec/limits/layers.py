"""Whole layers: the 3x3 convolutions of a ResNet-18 at 224x224, one image, exact sums, on each back end.

A layer reads +-1 in bytes and writes its sums in 16 bits, as between layers of a plan: what prepares its operand and what
writes its sums counts as time, not as work. Its limit is that of the arithmetic which the back end chose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from neurobin.errors import MismatchError
from neurobin.exec.kernels.machine import NUMPY, Backend
from neurobin.exec.kernels.means import MEANS, pairs_of_planes
from neurobin.exec.limits.rates import against, find
from neurobin.exec.limits.timing import Run, race, repeated, turns
from neurobin.exec.plan.plan import Plan
from neurobin.ir import BIPOLAR, TERNARY, Builder, Constant, DType, Graph, Json, TensorType, to_packed
from neurobin.ops.bit_conv2d import BitConv2d

FORMULA = "2 x height x width x filters x 9 x channels / time, products with padding included"


@dataclass(frozen=True)
class Layer:
    """A 3x3 convolution of stride 1 and padding 1 with as many filters as channels, on +-1; weights +-1 or -1, 0, +1."""

    channels: int
    size: int
    weights: DType = BIPOLAR

    @property
    def name(self) -> str:
        kind = "ternary x binary" if self.weights == TERNARY else "binary x binary"
        return f"{self.channels}@{self.size}x{self.size}, {kind}"

    @property
    def macs(self) -> int:
        return 9 * (self.channels * self.size) ** 2


STAGES = (Layer(64, 56), Layer(128, 28), Layer(256, 14), Layer(512, 7))
LAYERS = (*STAGES, Layer(256, 14, TERNARY))
TERNARY_BINARY = (LAYERS[-1], STAGES[2])
_OF_BITS = {"pairs": "pair", "words": "triple", "nibbles": "nibbles", "plain": "any popcount"}
_OF_BYTES = {"amx": "tiles", "avx512": "vnni", "avx2": "maddubs", "generic": "madd128"}


@dataclass(frozen=True)
class Reached:
    """What a layer reaches on a back end: its best turn. `share` is None where `limit` does not exist."""

    layer: Layer
    back_end: str
    limit: str
    best_s: float
    share: float | None

    @property
    def ops_per_s(self) -> float:
        return 2 * self.layer.macs / self.best_s

    def to_dict(self) -> dict[str, Json]:
        layer = self.layer
        return {
            "layer": layer.name, "channels": layer.channels, "size": layer.size, "weights": str(layer.weights),
            "backend": self.back_end, "time_s": self.best_s, "unit": "op/s", "formula": FORMULA,
            "ops_per_s": self.ops_per_s, "limit": self.limit or None, "share": self.share,
        }  # fmt: skip


@cache
def operands(layer: Layer) -> tuple[Graph, np.ndarray, np.ndarray]:
    """The layer as a graph, its input [1, H, W, C] in int8, and its sums, which numpy counts."""
    rng = np.random.default_rng(0)
    x = rng.choice(np.array([-1, 1], np.int8), (1, layer.size, layer.size, layer.channels))
    values = np.arange(-1, 2, 1 if layer.weights == TERNARY else 2, dtype=np.int8)
    w = rng.choice(values, (layer.channels, 3, 3, layer.channels))
    b = Builder({"x": TensorType(x.shape[1:], BIPOLAR)})
    graph = b.graph(b.add(BitConv2d(Constant(layer.weights, w), padding=(1, 1, 1, 1)), "x"))
    return graph, x, _in_numpy(graph, x)


def _in_numpy(graph: Graph, x: np.ndarray) -> np.ndarray:
    return graph.nodes[0].op.packed(to_packed(x, BIPOLAR)).values()


def limit_of(weights: DType, back_end: Backend) -> str:
    """The name of the limit of the arithmetic that a back end uses for weights times +-1; "" for numpy, which has none."""
    if back_end is NUMPY:
        return ""
    means = MEANS[back_end.name]
    if means.counts(pairs_of_planes(BIPOLAR, weights)):
        return _OF_BITS[(means.masked if weights == TERNARY else means.bits).name]
    return _OF_BYTES[back_end.name]


def prepared(layer: Layer, back_end: Backend) -> Run:
    """A layer on a back end as a call. Raises MismatchError where its sums are not numpy's."""
    graph, x, expected = operands(layer)
    if back_end is NUMPY:
        return repeated(lambda: _in_numpy(graph, x))
    bound = Plan(graph, back_end).bind(1)
    bound.input[...] = x
    bound.run()
    if wrong := int((bound.output != expected).sum()):
        where = f"{layer.name}, back end {back_end.name!r}"
        raise MismatchError(f"{wrong} of {expected.size} sums differ from numpy's", where=where)
    return repeated(bound.run)


def reached(layer: Layer, back_end: Backend) -> Reached:
    """The speed of a layer, and its share of its limit."""
    run, name = prepared(layer, back_end), limit_of(layer.weights, back_end)
    if not name:
        return Reached(layer, back_end.name, "", turns([run])[0].best_s, None)
    return Reached(layer, back_end.name, name, *against(find(name), layer.macs, run))


def faster(first: Layer, second: Layer, back_end: Backend) -> float:
    """How many operations per second the first does for one of the second, in turns."""
    times = race(prepared(second, back_end), prepared(first, back_end)).ratio
    return times * first.macs / second.macs

"""Small deployed networks with random integers, for tests of everything that takes a deployed graph."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurobin.ir import BINARY, BIPOLAR, TERNARY, Constant, DType, Graph, Node, Op, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class


@dataclass
class Builder:
    """Appends nodes one after the other: `b.add("relu", source)` returns the new node's name."""

    rng: np.random.Generator
    inputs: dict[str, TensorType]
    nodes: list[Node] = field(default_factory=list)

    def add(self, op: str | Op, *sources: str, **attributes: object) -> str:
        made = op if isinstance(op, Op) else op_class(op)(**attributes)
        self.nodes.append(Node(f"{made.name}{len(self.nodes)}", made, sources))
        return self.nodes[-1].name

    def graph(self, output: str) -> Graph:
        return Graph(self.inputs, tuple(self.nodes), (output,)).verify()

    def weight(self, dtype: DType, *shape: int) -> Constant:
        values = dtype.table if dtype.bits <= 8 and dtype != TERNARY else np.arange(dtype.low, dtype.high + 1)
        return Constant(dtype, self.rng.choice(values, shape))

    def thresholds(self, source: str, levels: int = 1, spread: float = 0.25) -> Constant:
        """Random ascending thresholds near the middle of what `source` can be."""
        kind = Graph(self.inputs, tuple(self.nodes), (source,)).types[source]
        middle, reach = (kind.dtype.low + kind.dtype.high) / 2, (kind.dtype.high - kind.dtype.low) * spread / 2
        values = np.rint(middle + self.rng.uniform(-reach, reach, (kind.channels, levels))).astype(np.int64)
        return Constant(i(32), np.sort(values, axis=1))

    def sign(self, source: str, dtype: DType = BIPOLAR) -> str:
        made = self.thresholds(source, 3 if dtype.bits == 2 and dtype != TERNARY else dtype.bits)
        down = Constant(BINARY, self.rng.integers(0, 2, made.shape[0]))
        return self.add("multi_threshold", source, thresholds=made, dtype=dtype, descending=down)


def binary_convnet(
    seed: int = 0, *, size: int = 8, channels: int = 16, groups: int = 2, dtype: DType = BIPOLAR, pad_value: int = 0
) -> Graph:
    """8-bit image -> int8 convolution -> two grouped bit convolutions with pools and shuffle -> bit dense, all foldable."""
    b = Builder(np.random.default_rng(seed), {"image": TensorType((size, size, 1), u(8))})
    same = (1, 1, 1, 1)
    x = b.add("requantise", "image", multiplier=Constant(i(2), [1]), bias=Constant(i(9), [-128]), shift=0, dtype=i(8))
    x = b.add("int_conv2d", x, weight=b.weight(i(8), channels, 3, 3, 1), padding=same)
    x = b.sign(x, dtype)
    x = b.add("bit_conv2d", x, weight=b.weight(BIPOLAR, channels, 3, 3, channels // groups), padding=same,
              pad_value=pad_value, groups=groups)  # fmt: skip
    x = b.add("max_pool2d", b.sign(x, dtype), kernel=(2, 2), stride=(2, 2))
    x = b.add("channel_shuffle", x, groups=groups)
    x = b.add("bit_conv2d", x, weight=b.weight(TERNARY, 2 * channels, 3, 3, channels // groups), padding=same,
              pad_value=pad_value, groups=groups)  # fmt: skip
    x = b.add("max_pool2d", b.sign(x, dtype), kernel=(2, 2), stride=(2, 2))
    x = b.add("flatten", x)
    return b.graph(b.add("bit_dense", x, weight=b.weight(BIPOLAR, 10, 2 * channels * (size // 4) ** 2)))


def residual_convnet(seed: int = 0, *, size: int = 8, channels: int = 8) -> Graph:
    """A Bi-Real style block: 16-bit map, its signs convolved, rescaled, PReLU, added back; sum pool and int8 dense."""
    b = Builder(np.random.default_rng(seed), {"image": TensorType((size, size, 3), u(8))})
    same = (1, 1, 1, 1)

    def rescale(source: str, dtype: DType) -> str:
        multiplier = Constant(i(16), b.rng.integers(-3000, 3000, channels))
        return b.add("requantise", source, multiplier=multiplier, bias=Constant(i(32), b.rng.integers(-99, 99, channels)),
                     shift=10, dtype=dtype)  # fmt: skip

    x = b.add("int_conv2d", "image", weight=b.weight(i(8), channels, 3, 3, 3), padding=same)
    x = rescale(x, i(16))
    for _ in range(2):
        y = b.add("bit_conv2d", b.sign(x), weight=b.weight(BIPOLAR, channels, 3, 3, channels), padding=same)
        y = rescale(y, i(16))
        y = b.add("prelu", y, slope=Constant(i(8), b.rng.integers(-20, 100, channels)), shift=7)
        x = b.add("add", x, y, dtype=i(16))
    x = b.add("sum_pool2d", x, kernel=(size, size), stride=(size, size))
    x = b.add("flatten", x)
    return b.graph(b.add("int_dense", x, weight=b.weight(i(8), 10, channels)))


def images(graph: Graph, count: int, seed: int = 1) -> np.ndarray:
    """Random inputs of the graph's input type."""
    kind = graph.inputs[graph.input]
    return np.random.default_rng(seed).integers(kind.dtype.low, kind.dtype.high + 1, (count, *kind.shape))

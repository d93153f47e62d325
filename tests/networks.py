"""Small deployed networks with random integers, for tests of everything that takes a deployed graph."""

from __future__ import annotations

import numpy as np

from neurobin.ir import BINARY, BIPOLAR, TERNARY, Builder, Constant, DType, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class


class Random(Builder):
    """A builder that makes up parameters: `b.op("relu", source)` returns the new node's name."""

    def __init__(self, seed: int, image: TensorType) -> None:
        super().__init__({"image": image})
        self.rng = np.random.default_rng(seed)

    def op(self, name: str, *sources: str, **attributes: object) -> str:
        return self.add(op_class(name)(**attributes), *sources, name=f"{name}{len(self.nodes)}")

    def weight(self, dtype: DType, *shape: int) -> Constant:
        if dtype.bits <= 8 and dtype != TERNARY:
            return Constant(dtype, self.rng.choice(dtype.table, shape))
        return Constant(dtype, self.rng.integers(dtype.low, dtype.high + 1, shape))

    def thresholds(self, source: str, levels: int = 1, spread: float = 0.25) -> Constant:
        """Random ascending thresholds near the middle of what `source` can be."""
        kind = self.types[source]
        middle, reach = (kind.dtype.low + kind.dtype.high) / 2, (kind.dtype.high - kind.dtype.low) * spread / 2
        values = np.rint(middle + self.rng.uniform(-reach, reach, (kind.channels, levels))).astype(np.int64)
        return Constant(i(32), np.sort(values, axis=1))

    def sign(self, source: str, dtype: DType = BIPOLAR) -> str:
        made = self.thresholds(source, 3 if dtype.bits == 2 and dtype != TERNARY else dtype.bits)
        down = Constant(BINARY, self.rng.integers(0, 2, made.shape[0]))
        return self.op("multi_threshold", source, thresholds=made, dtype=dtype, descending=down)


def binary_convnet(
    seed: int = 0, *, size: int = 8, channels: int = 16, groups: int = 2, dtype: DType = BIPOLAR, pad_value: int = 0
) -> Graph:
    """8-bit image -> int8 convolution -> two grouped bit convolutions with pools and shuffle -> bit dense, all foldable."""
    b = Random(seed, TensorType((size, size, 1), u(8)))
    same = (1, 1, 1, 1)
    x = b.op("requantise", "image", multiplier=Constant(i(2), [1]), bias=Constant(i(9), [-128]), shift=0, dtype=i(8))
    x = b.op("int_conv2d", x, weight=b.weight(i(8), channels, 3, 3, 1), padding=same)
    x = b.sign(x, dtype)
    x = b.op("bit_conv2d", x, weight=b.weight(BIPOLAR, channels, 3, 3, channels // groups), padding=same,
              pad_value=pad_value, groups=groups)  # fmt: skip
    x = b.op("max_pool2d", b.sign(x, dtype), kernel=(2, 2), stride=(2, 2))
    x = b.op("channel_shuffle", x, groups=groups)
    x = b.op("bit_conv2d", x, weight=b.weight(TERNARY, 2 * channels, 3, 3, channels // groups), padding=same,
              pad_value=pad_value, groups=groups)  # fmt: skip
    x = b.op("max_pool2d", b.sign(x, dtype), kernel=(2, 2), stride=(2, 2))
    x = b.op("flatten", x)
    return b.graph(b.op("bit_dense", x, weight=b.weight(BIPOLAR, 10, 2 * channels * (size // 4) ** 2)))


def residual_convnet(seed: int = 0, *, size: int = 8, channels: int = 8) -> Graph:
    """A Bi-Real style block: 16-bit map, its signs convolved, rescaled, PReLU, added back; sum pool and int8 dense."""
    b = Random(seed, TensorType((size, size, 3), u(8)))
    same = (1, 1, 1, 1)

    def rescale(source: str, dtype: DType) -> str:
        multiplier = Constant(i(16), b.rng.integers(-3000, 3000, channels))
        return b.op("requantise", source, multiplier=multiplier, bias=Constant(i(32), b.rng.integers(-99, 99, channels)),
                     shift=10, dtype=dtype)  # fmt: skip

    x = b.op("int_conv2d", "image", weight=b.weight(i(8), channels, 3, 3, 3), padding=same)
    x = rescale(x, i(16))
    for _ in range(2):
        y = b.op("bit_conv2d", b.sign(x), weight=b.weight(BIPOLAR, channels, 3, 3, channels), padding=same)
        y = rescale(y, i(16))
        y = b.op("prelu", y, slope=Constant(i(8), b.rng.integers(-20, 100, channels)), shift=7)
        x = b.op("add", x, y, dtype=i(16))
    x = b.op("sum_pool2d", x, kernel=(size, size), stride=(size, size))
    x = b.op("flatten", x)
    return b.graph(b.op("int_dense", x, weight=b.weight(i(8), 10, channels)))


def images(graph: Graph, count: int, seed: int = 1) -> np.ndarray:
    """Random inputs of the graph's input type."""
    kind = graph.inputs[graph.input]
    return np.random.default_rng(seed).integers(kind.dtype.low, kind.dtype.high + 1, (count, *kind.shape))

"""Graphs that reach the corners of the mapper, and the targets under test."""

from __future__ import annotations

import tomllib

import numpy as np

from hwmodels.target import CHIPS
from hwmodels.truenorth import TrueNorthTarget
from neurobin.ir import BINARY, BIPOLAR, TERNARY, Constant, DType, Graph, TensorType
from neurobin.ir.dtype import i
from tests.networks import Random


def chip_data(name: str = "truenorth") -> dict:
    return tomllib.loads((CHIPS / f"{name}.toml").read_text())


def target(name: str = "truenorth") -> TrueNorthTarget:
    return TrueNorthTarget.from_data(chip_data(name), name)


def small_target(**structure: float) -> TrueNorthTarget:
    """The chip with other sizes, for limits that real sizes reach only with large networks."""
    data = chip_data()
    for key, value in structure.items():
        data["structure"][key] |= {"value": value, "low": value, "high": value}
    return TrueNorthTarget.from_data(data, "small")


def windows(
    seed: int, *, dtype: DType, pad_value: int, stride: int, dilation: int, groups: int, weight: DType = TERNARY
) -> Graph:
    """Bits in, one bit convolution with every geometry attribute, bits out."""
    b = Random(seed, TensorType((7, 6, 8), dtype))
    x = b.op("bit_conv2d", "image", weight=b.weight(weight, 12, 3, 2, 8 // groups), padding=(1, 2, 0, 1), groups=groups,
              pad_value=pad_value, stride=(stride, 1), dilation=(1, dilation))  # fmt: skip
    return b.graph(b.sign(x, dtype))


def wired(seed: int = 0, dtype: DType = BIPOLAR) -> Graph:
    """Every wiring op, paths of different depth that meet, a tensor read twice, and host nodes that read bits."""
    b = Random(seed, TensorType((4, 4, 6), i(8)))
    first = b.sign("image", dtype)
    deep = b.sign(b.op("bit_conv2d", first, weight=b.weight(TERNARY, 6, 3, 3, 6), padding=(1, 1, 1, 1)), dtype)
    deep = b.op("channel_shuffle", deep, groups=3)
    early = b.op("slice", deep, start=0, stop=2)
    deep = b.op("max_pool2d", deep, kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1))
    both = b.op("concat", b.op("slice", first, start=1, stop=5), early, deep)
    both = b.op("pad", both, padding=(1, 0, 0, 1), value=0 if dtype == BIPOLAR else 1)
    x = b.sign(b.op("bit_conv2d", both, weight=b.weight(BIPOLAR, 5, 2, 2, 12)), dtype)
    x = b.op("flatten", x, channels_first=True)
    x = b.op("reshape", x, shape=(4, 20))
    x = b.op("reshape", x, shape=(80,))
    scores = b.op("bit_dense", x, weight=b.weight(TERNARY, 7, 80))
    scale = Constant(i(8), b.rng.integers(-9, 9, 7))
    return b.graph(b.op("requantise", scores, multiplier=scale, bias=Constant(i(8), [3]), shift=1, dtype=i(16)))


def bits(graph: Graph, count: int, seed: int = 3) -> np.ndarray:
    """Random inputs of a graph with single-bit or integer input."""
    kind = graph.inputs[graph.input]
    rng = np.random.default_rng(seed)
    if kind.dtype in (BIPOLAR, BINARY):
        return rng.choice(kind.dtype.table, (count, *kind.shape))
    return rng.integers(kind.dtype.low, kind.dtype.high + 1, (count, *kind.shape))

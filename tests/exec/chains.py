"""Random deployed networks: linear layers with element-wise ops behind them, shortcuts, pools and moves.

`chains` draws what a compiled plan has to join, split and lay out: thin maps, channel counts beside multiples of 16 and 64,
operands of several sizes, tensors that are read twice or by steps of different kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from neurobin.errors import GraphError
from neurobin.ir import BINARY, BIPOLAR, TERNARY, Builder, Constant, Graph, Op, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class
from tests.exec.kernels.grid import BIPOLAR2, SCALED
from tests.ir.strategies import random_constant, random_values, seeds
from tests.ops.cases import constants, windows

MOST_ELEMENTS = 6000  # of a tensor
CHANNELS = (1, 2, 3, 5, 15, 16, 17, 20, 31, 33, 48, 63, 64, 65, 96, 128)
INPUTS = (BIPOLAR, BINARY, TERNARY, BIPOLAR2, SCALED, u(2), u(8), i(8), i(9), u(15), i(16), i(20))
LEVELS = (BIPOLAR, BIPOLAR, BINARY, TERNARY, u(2), BIPOLAR2, SCALED, u(3))
RANGES = (u(1), u(4), u(8), i(8), TERNARY, i(12), i(16), i(30))
WEIGHTS = (BIPOLAR, BIPOLAR, TERNARY, BINARY, BIPOLAR2, u(2), i(4), i(8), i(12))


@dataclass
class Chain:
    """A network being drawn: the tensor it has arrived at, and all tensors so far."""

    draw: st.DrawFn
    builder: Builder
    at: str = "x"
    names: list[str] = field(default_factory=lambda: ["x"])

    @property
    def kind(self) -> TensorType:
        return self.builder.types[self.at]

    @property
    def is_map(self) -> bool:
        return len(self.kind.shape) == 3

    def pick(self, values: tuple) -> object:
        return self.draw(st.sampled_from(values))

    def go(self, name: str, *others: str, **fields: object) -> None:
        """Goes on with an op on the present tensor and others, where the graph allows that."""
        self.join(op_class(name)(**fields), self.at, *others)

    def join(self, op: Op, *sources: str) -> None:
        try:
            found = self.builder.add(op, *sources)
        except GraphError:
            return
        if self.builder.types[found].size > MOST_ELEMENTS:
            del self.builder.types[found], self.builder.nodes[-1]
            return
        self.at = found
        self.names.append(found)

    def like(self, allowed: Callable[[TensorType], bool]) -> str | None:
        """An earlier tensor of an allowed type."""
        found = [name for name in self.names if allowed(self.builder.types[name])]
        return self.draw(st.sampled_from(found)) if found else None


def linear(c: Chain) -> None:
    if c.kind.dtype.bits > 20:
        requantise(c)
    weight, seed = c.pick(WEIGHTS), c.draw(seeds)
    outputs = c.pick(CHANNELS)
    if not c.is_map:
        shape = (outputs, *c.kind.shape) if len(c.kind.shape) == 1 else (outputs, c.kind.size)
        if len(c.kind.shape) > 1:
            c.go("flatten")
        c.go("bit_dense" if seed % 2 else "int_dense", weight=random_constant(weight, shape, seed))
        return
    groups = c.pick(tuple(g for g in (1, 1, 1, 2, 4, c.kind.channels) if c.kind.channels % g == 0))
    window = c.draw(windows(c.kind.shape))
    shape = (-(-outputs // groups) * groups, *window.pop("kernel"), c.kind.channels // groups)
    values = tuple(v for v in (0, 0, 1, -1) if v == 0 or c.kind.dtype.holds(np.array([v])))
    c.go(
        "bit_conv2d" if seed % 2 else "int_conv2d",
        weight=random_constant(weight, shape, seed),
        groups=groups,
        pad_value=c.pick(values),
        **window,
    )


def requantise(c: Chain) -> None:
    low, high = c.kind.dtype.low, c.kind.dtype.high
    dtype = c.pick(RANGES)
    multiplier = c.draw(constants(st.sampled_from([i(3), i(10), i(16)]), c.kind.channels))
    bias = c.draw(constants(st.sampled_from([i(2), i(16), i(31)]), c.kind.channels))
    wide = max(-low, high).bit_length() + 9 - dtype.bits
    c.go("requantise", multiplier=multiplier, bias=bias, shift=c.pick((0, 1, max(wide, 2), 24, 40)), dtype=dtype)


def threshold(c: Chain) -> None:
    """Thresholds inside of the range, at its ends and beyond, many of them equal."""
    dtype, kind = c.pick(LEVELS), c.kind
    levels = c.draw(st.integers(1, dtype.count - 1))
    rng = np.random.default_rng(c.draw(seeds))
    low, high = max(kind.dtype.low, -(2**58)), min(kind.dtype.high, 2**58)
    reach = c.pick((2, (high - low) // 8 + 1, high - low + 2))
    middle = (low + high) // 2
    rows = c.pick((1, kind.channels))
    values = np.sort(rng.integers(middle - reach, middle + reach, (rows, levels), endpoint=True), axis=1)
    down = Constant(BINARY, rng.integers(0, 2, c.pick((1, kind.channels))))
    c.go("multi_threshold", thresholds=Constant(i(60), values), dtype=dtype, descending=down)


def lookup(c: Chain) -> None:
    low, high = c.kind.dtype.low, c.kind.dtype.high
    if high - low > 1000:
        return
    rows, before, behind = c.pick((1, c.kind.channels)), c.draw(st.integers(0, 2)), c.draw(st.integers(0, 2))
    shape = (rows, before + high - low + 1 + behind)
    c.go("lookup", table=random_constant(c.pick((*INPUTS, i(40))), shape, c.draw(seeds)), low=low - before)


def prelu(c: Chain) -> None:
    c.go(
        "prelu", slope=c.draw(constants(st.sampled_from([i(2), i(8), i(16)]), c.kind.channels)), shift=c.pick((0, 1, 7, 20))
    )


def shortcut(c: Chain) -> None:
    """The sum or product with an earlier tensor of the same shape, or of one that stretches to it."""
    shape = c.kind.shape
    other = c.like(lambda t: len(t.shape) == len(shape) and all(m in (1, n) for m, n in zip(t.shape, shape, strict=True)))
    if other is None:
        return
    dtype = c.draw(st.none() | st.sampled_from(RANGES))
    if c.draw(st.booleans()):
        c.go("add", other, dtype=dtype)
    else:
        c.go("multiply", other, shift=c.pick((0, 3, 20)), dtype=dtype)


def logic(c: Chain) -> None:
    other = c.like(lambda t: t == c.kind)
    if other is not None:
        c.go("logic", other, kind=c.pick(("xnor", "or", "and")))


def position_scale(c: Chain) -> None:
    if c.is_map:
        c.go("position_scale", factor=random_constant(c.pick((i(3), u(8), i(16))), c.kind.shape[:2], c.draw(seeds)))


def pool(c: Chain) -> None:
    if not c.is_map:
        return
    kind = c.pick(("max_pool2d", "max_pool2d", "sum_pool2d"))
    c.go(kind, **c.draw(windows(c.kind.shape, below_kernel=True, dilate=kind == "max_pool2d")))


def concat(c: Chain) -> None:
    kind = c.kind
    other = c.like(lambda t: t.shape[:-1] == kind.shape[:-1] and t.dtype == kind.dtype)
    if other is not None:
        sources = (c.at, other) if c.draw(st.booleans()) else (other, c.at)
        c.join(op_class("concat")(), *sources)


def cut(c: Chain) -> None:
    start = c.draw(st.integers(0, c.kind.channels - 1))
    c.go("slice", start=start, stop=c.draw(st.integers(start + 1, c.kind.channels)))


def shuffle(c: Chain) -> None:
    c.go("channel_shuffle", groups=c.pick(tuple(g for g in (2, 3, 4, 5, 16) if c.kind.channels % g == 0) or (1,)))


def pad(c: Chain) -> None:
    if c.is_map:
        sides = tuple(c.draw(st.integers(0, 2)) for _ in range(4))
        c.go("pad", padding=sides, value=c.pick((0, 0, 1, -1, c.kind.dtype.low, c.kind.dtype.high)))


def arg_max(c: Chain) -> None:
    if not c.is_map:
        c.go("arg_max")


def flatten(c: Chain) -> None:
    c.go("flatten", channels_first=c.draw(st.booleans()))


def gate(c: Chain) -> None:
    """A slice of one channel of the present tensor, times all of them."""
    whole = c.at
    c.go("slice", start=0, stop=1)
    c.join(op_class(c.pick(("multiply", "add")))(), whole, c.at)  # type: ignore[arg-type]


def plain(name: str) -> Callable[[Chain], None]:
    return lambda c: c.go(name)


ELEMENTWISE = (
    requantise, requantise, threshold, threshold, threshold, lookup, prelu, shortcut, shortcut, logic, position_scale,
    plain("relu"), plain("abs"), gate,
)  # fmt: skip
OTHERS = (pool, pool, concat, cut, shuffle, pad, flatten, arg_max, plain("channel_sum"))


@st.composite
def chains(draw: st.DrawFn) -> Graph:
    """A graph of one input whose output depends on most of what was drawn."""
    channels = draw(st.sampled_from(CHANNELS))
    dtype = draw(st.sampled_from(INPUTS))
    if draw(st.integers(0, 3)):
        shape: tuple[int, ...] = (draw(st.integers(1, 7)), draw(st.integers(1, 7)), min(channels, 65))
    else:
        shape = (channels,)
    c = Chain(draw, Builder({"x": TensorType(shape, dtype)}))
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 3)):
            linear(c)
        for op in draw(st.lists(st.sampled_from(ELEMENTWISE), max_size=4)):
            op(c)
        for op in draw(st.lists(st.sampled_from(OTHERS), max_size=2)):
            op(c)
    if draw(st.booleans()):
        linear(c)
    if c.at == "x":
        c.go("relu")
    return c.builder.graph(c.at).pruned()


def images(graph: Graph, count: int, seed: int) -> np.ndarray:
    """Random inputs of the graph's input type."""
    kind = graph.inputs[graph.input]
    return random_values(kind.dtype, (count, *kind.shape), seed)

"""For every op a hypothesis strategy that draws the op with operand types it accepts: a new op must be entered in CASES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from neurobin.ir import BINARY, BIPOLAR, FLOAT32, FLOAT64, TERNARY, Constant, DType, Op, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class
from tests.ir.strategies import (
    any_integer,
    channel_counts,
    medium,
    narrow,
    random_constant,
    random_values,
    scaled,
    seeds,
    widths,
)


@dataclass(frozen=True)
class Case:
    """An op and the types of its operands."""

    op: Op
    types: tuple[TensorType, ...]


Draw = st.DrawFn
ranges = st.just(BINARY) | st.just(TERNARY) | st.integers(1, 20).flatmap(lambda k: st.sampled_from([i(k), u(k)]))
few_channels = st.sampled_from([1, 2, 3, 31, 32, 33, 63, 64, 65]) | st.integers(1, 40)
sizes = st.integers(1, 6)


def make(name: str, **fields: object) -> Op:
    return op_class(name)(**fields)


@st.composite
def maps(
    draw: Draw, dtypes: st.SearchStrategy[DType] = medium, channels: st.SearchStrategy[int] = channel_counts
) -> TensorType:
    """[H, W, C] with rectangular maps."""
    return TensorType((draw(sizes), draw(sizes), draw(channels)), draw(dtypes))


@st.composite
def tensors(draw: Draw, dtypes: st.SearchStrategy[DType] = medium) -> TensorType:
    """Any rank from 1 to 4."""
    lead = tuple(draw(st.lists(st.integers(1, 3), max_size=3)))
    return TensorType((*lead, draw(channel_counts)), draw(dtypes))


@st.composite
def constants(draw: Draw, dtypes: st.SearchStrategy[DType], channels: int) -> Constant:
    """[C] or [1]."""
    return random_constant(draw(dtypes), (draw(st.sampled_from([1, channels])),), draw(seeds))


@st.composite
def reals(draw: Draw, channels: int) -> Constant:
    rng = np.random.default_rng(draw(seeds))
    shape = (draw(st.sampled_from([1, channels])),)
    return Constant(FLOAT64, np.round(rng.normal(0, 2, shape), draw(st.integers(0, 6))))


@st.composite
def windows(
    draw: Draw, shape: tuple[int, ...], *, below_kernel: bool = False, dilate: bool = True
) -> dict[str, tuple[int, ...]]:
    """Kernel, stride, asymmetric padding and dilation under which something of the map remains."""
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    most = [k - 1 if below_kernel else 3 for k in kernel]
    top, bottom = (draw(st.integers(0, most[0])) for _ in range(2))
    left, right = (draw(st.integers(0, most[1])) for _ in range(2))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3))) if dilate else (1, 1)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    assume(reach[0] <= shape[0] + top + bottom and reach[1] <= shape[1] + left + right)
    found: dict[str, tuple[int, ...]] = {
        "kernel": kernel,
        "stride": (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        "padding": (top, left, bottom, right),
    }
    return found | ({"dilation": dilation} if dilate else {})


@st.composite
def convolution(draw: Draw, name: str, dtypes: st.SearchStrategy[DType], weights: st.SearchStrategy[DType]) -> Case:
    """Groups from 1 to depthwise, padding with any value the type allows."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 4]))
    depth = draw(channel_counts if groups == 1 else few_channels)
    x = draw(maps(dtypes, st.just(groups * depth)))
    window = draw(windows(x.shape))
    kernel = window.pop("kernel")
    outputs = groups * draw(st.integers(1, 3))
    weight = random_constant(draw(weights), (outputs, *kernel, depth), draw(seeds))
    values = [0, *(v for v in (1, -1) if x.dtype.holds(np.array([v])))] if not x.dtype.is_float else [0, 1, -1]
    return Case(make(name, weight=weight, groups=groups, pad_value=draw(st.sampled_from(values)), **window), (x,))


@st.composite
def product(draw: Draw, name: str, dtypes: st.SearchStrategy[DType], weights: st.SearchStrategy[DType]) -> Case:
    x = TensorType((draw(channel_counts),), draw(dtypes))
    weight = random_constant(draw(weights), (draw(st.integers(1, 5)), *x.shape), draw(seeds))
    return Case(make(name, weight=weight), (x,))


@st.composite
def multi_threshold(draw: Draw) -> Case:
    """Thresholds inside, at and beyond the ends of the operand's range; rows shared or per channel; equal thresholds."""
    x = draw(tensors(narrow | widths(5, 16)))
    to = draw(narrow)
    levels = draw(st.integers(1, min(to.count - 1, 15)))
    rows = draw(st.sampled_from([1, x.channels]))
    rng = np.random.default_rng(draw(seeds))
    low, high = x.dtype.low - 2, x.dtype.high + 2
    if draw(st.booleans()):  # many ties
        low, high = max(low, -2), min(high, 2)
    found = np.sort(rng.integers(low, high, (rows, levels), endpoint=True), axis=1)
    down = Constant(BINARY, rng.integers(0, 2, draw(st.sampled_from([1, x.channels]))))
    return Case(make("multi_threshold", thresholds=Constant(i(20), found), dtype=to, descending=down), (x,))


@st.composite
def requantise(draw: Draw) -> Case:
    x = draw(tensors(medium | widths(13, 20)))
    op = make(
        "requantise",
        multiplier=draw(constants(widths(1, 16), x.channels)),
        bias=draw(constants(widths(1, 31), x.channels)),
        shift=draw(st.integers(0, 40)),
        dtype=draw(ranges),
    )
    return Case(op, (x,))


@st.composite
def prelu(draw: Draw) -> Case:
    x = draw(tensors(medium | widths(13, 24)))
    return Case(make("prelu", slope=draw(constants(widths(1, 16), x.channels)), shift=draw(st.integers(0, 20))), (x,))


@st.composite
def two(draw: Draw, name: str, **fields: st.SearchStrategy[object]) -> Case:
    """Two operands whose axes are equal or 1."""
    a = draw(tensors(medium | widths(13, 24)))
    shape = tuple(draw(st.sampled_from([1, size])) for size in a.shape)
    b = TensorType(shape, draw(medium))
    found = {name: draw(field) for name, field in fields.items()}
    return Case(make(name, **found), draw(st.sampled_from([(a, b), (b, a)])))


@st.composite
def pool(draw: Draw, name: str, dtypes: st.SearchStrategy[DType], *, below_kernel: bool, dilate: bool) -> Case:
    x = draw(maps(dtypes, few_channels))
    case = Case(make(name, **draw(windows(x.shape, below_kernel=below_kernel, dilate=dilate))), (x,))
    if below_kernel:
        assume(not case.op.window.misses(x.shape))  # type: ignore[attr-defined]
    return case


@st.composite
def pad(draw: Draw) -> Case:
    x = draw(maps(narrow | widths(5, 9), few_channels))
    padding = tuple(draw(st.integers(0, 3)) for _ in range(4))
    return Case(make("pad", padding=padding, value=draw(st.integers(-3, 3))), (x,))


@st.composite
def concat(draw: Draw) -> Case:
    first = draw(tensors())
    more = draw(st.lists(st.integers(1, 70), max_size=3))
    return Case(make("concat"), (first, *(TensorType((*first.shape[:-1], c), first.dtype) for c in more)))


@st.composite
def slices(draw: Draw) -> Case:
    x = draw(tensors())
    start = draw(st.integers(0, x.channels - 1))
    return Case(make("slice", start=start, stop=draw(st.integers(start + 1, x.channels))), (x,))


@st.composite
def shuffle(draw: Draw) -> Case:
    groups = draw(st.integers(1, 9))
    x = TensorType((draw(sizes), draw(sizes), groups * draw(st.integers(1, 30))), draw(medium))
    return Case(make("channel_shuffle", groups=groups), (x,))


@st.composite
def reshape(draw: Draw) -> Case:
    x = draw(tensors())
    shape = draw(st.permutations([*x.shape, *draw(st.sampled_from([(), (1,)]))]))
    return Case(make("reshape", shape=tuple(shape)), (x,))


@st.composite
def simple(draw: Draw, name: str, types: st.SearchStrategy[TensorType], **fields: st.SearchStrategy[object]) -> Case:
    """One operand, attributes that do not depend on it."""
    return Case(make(name, **{key: draw(field) for key, field in fields.items()}), (draw(types),))


@st.composite
def per_channel(draw: Draw, name: str, dtypes: st.SearchStrategy[DType], *fields: str) -> Case:
    """One operand, real constants per channel."""
    x = draw(tensors(dtypes))
    return Case(make(name, **{field: draw(reals(x.channels)) for field in fields}), (x,))


@st.composite
def batch_norm(draw: Draw) -> Case:
    x = draw(tensors(floats | widths(5, 12)))
    found = {name: draw(reals(x.channels)) for name in ("gamma", "beta", "mean")}
    variance = draw(reals(x.channels))
    return Case(make("batch_norm", **found, variance=Constant(FLOAT64, variance.values**2)), (x,))


@st.composite
def lookup(draw: Draw) -> Case:
    """Tables that begin and end at the operand's range or beyond, shared or one per channel."""
    x = draw(tensors(narrow | widths(5, 9)))
    low = x.dtype.low - draw(st.integers(0, 2))
    entries = x.dtype.high + draw(st.integers(0, 2)) - low + 1
    rows = draw(st.sampled_from([1, x.channels]))
    return Case(make("lookup", table=random_constant(draw(any_integer), (rows, entries), draw(seeds)), low=low), (x,))


@st.composite
def position_scale(draw: Draw, dtypes: st.SearchStrategy[DType], factors: st.SearchStrategy[DType]) -> Case:
    x = draw(maps(dtypes, few_channels))
    return Case(make("position_scale", factor=random_constant(draw(factors), x.shape[:2], draw(seeds))), (x,))


@st.composite
def logic(draw: Draw) -> Case:
    x = draw(tensors(st.sampled_from([BIPOLAR, BINARY])))
    return Case(make("logic", kind=draw(st.sampled_from(["xnor", "or", "and"]))), (x, x))


floats = st.sampled_from([FLOAT32, FLOAT64])
vectors = st.builds(lambda c, t: TensorType((c,), t), channel_counts, medium)
weights = st.sampled_from([BIPOLAR, TERNARY, BINARY]) | widths(1, 4) | scaled()
optional_range = st.none() | ranges
clip_ends = {"low": st.sampled_from([-1.5, -1.0, 0.0]), "high": st.sampled_from([0.0, 1.0, 2.25])}

# every op with integer operands: these cases are run through reference, oracle, packed engine and file
INTEGER: dict[str, Callable[[], st.SearchStrategy[Case]]] = {
    "abs": lambda: simple("abs", tensors(any_integer.filter(lambda t: t.low > -(2**63)))),
    "add": lambda: two("add", dtype=optional_range),
    "arg_max": lambda: simple("arg_max", vectors),
    "bit_conv2d": lambda: convolution("bit_conv2d", medium, weights),
    "bit_dense": lambda: product("bit_dense", medium | widths(13, 24), weights),
    "channel_shuffle": shuffle,
    "channel_sum": lambda: simple("channel_sum", tensors(medium)),
    "concat": concat,
    "flatten": lambda: simple("flatten", tensors(), channels_first=st.booleans()),
    "int_conv2d": lambda: convolution("int_conv2d", medium | widths(13, 24), medium | widths(13, 24)),
    "int_dense": lambda: product("int_dense", medium | widths(13, 24), medium | widths(13, 24)),
    "logic": logic,
    "lookup": lookup,
    "max_pool2d": lambda: pool("max_pool2d", any_integer, below_kernel=True, dilate=True),
    "multi_threshold": multi_threshold,
    "multiply": lambda: two("multiply", shift=st.integers(0, 25), dtype=optional_range),
    "pad": pad,
    "position_scale": lambda: position_scale(medium | widths(13, 30), medium | widths(13, 30)),
    "prelu": prelu,
    "relu": lambda: simple("relu", tensors(any_integer)),
    "requantise": requantise,
    "reshape": reshape,
    "sign": lambda: per_channel("sign", medium, "threshold"),
    "slice": slices,
    "sum_pool2d": lambda: pool("sum_pool2d", medium, below_kernel=False, dilate=False),
}

# ops whose result is real: reference against oracle, and file
REAL: dict[str, Callable[[], st.SearchStrategy[Case]]] = {
    "affine": lambda: per_channel("affine", floats | medium, "scale", "bias"),
    "avg_pool2d": lambda: pool("avg_pool2d", floats | medium, below_kernel=False, dilate=False),
    "batch_norm": batch_norm,
    "clip": lambda: simple("clip", tensors(floats | medium), **clip_ends),
    "conv2d": lambda: convolution("conv2d", floats | narrow, weights),
    "dense": lambda: product("dense", floats | narrow, weights),
    "quantize": lambda: simple("quantize", tensors(floats | medium), bits=st.integers(1, 10)),
    "sigmoid": lambda: simple("sigmoid", tensors(floats | medium)),
}


def operands(case: Case, batch: int, seed: int) -> list[np.ndarray]:
    """Random values [N, *shape] of the case's types: int64 or float64."""
    rng = np.random.default_rng(seed)

    def draw(number: int, kind: TensorType) -> np.ndarray:
        shape = (batch, *kind.shape)
        if kind.dtype.is_float:
            return rng.integers(-8, 9, shape) / 4  # sums of these are exact in any order
        return random_values(kind.dtype, shape, seed + number)

    return [draw(number, kind) for number, kind in enumerate(case.types)]

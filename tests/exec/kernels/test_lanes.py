"""Lanes: proven ranges are true, 32-bit lanes hold what they are used for, and one bit more takes 64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neurobin.errors import GraphError
from neurobin.exec import reference
from neurobin.exec.kernels.emit import Module, element_bits, vector
from neurobin.exec.kernels.lanes import Lane, width
from neurobin.exec.kernels.layout import LANES
from neurobin.exec.kernels.machine import Backend
from neurobin.exec.plan.plan import Plan
from neurobin.ir import Builder, Constant, DType, Graph, TensorType, int_for
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class
from tests.exec.kernels.grid import native_back_ends
from tests.ir.strategies import members, random_constant, seeds

BACK_ENDS = list(native_back_ends())
EDGES = [s * 2**k + d for k in (0, 1, 7, 15, 30, 31, 32, 40) for s in (-1, 1) for d in (-1, 0, 1)]
ends = st.sampled_from(EDGES) | st.integers(-(2**41), 2**41)
ranges = st.tuples(ends, ends).map(sorted)

PAIRS: dict[str, Callable[[Lane, Lane], Lane]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: (a.clip(-(2**20), 2**20)) * (b.clip(-(2**20), 2**20)),
    "maximum": lambda a, b: a.maximum(b),
    "minimum": lambda a, b: a.minimum(b),
    "choose": lambda a, b: a.at_least(b).choose(a, b),
}
MEANING: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: min(max(a, -(2**20)), 2**20) * min(max(b, -(2**20)), 2**20),
    "maximum": max,
    "minimum": min,
    "choose": max,
}


def lane(low: int, high: int) -> Lane:
    """Lanes of some function that is never compiled."""
    function = Module().function("f", [])
    return Lane(function.constant(0, vector(LANES, f"i{width(low, high)}")), low, high)


def test_numbers_of_32_bits_take_32_bits() -> None:
    assert width(-(2**31), 2**31 - 1) == 32
    assert width(-(2**31) - 1, 0) == 64
    assert width(0, 2**31) == 64


@pytest.mark.parametrize("name", sorted(PAIRS))
@given(ranges, ranges)
def test_a_result_is_within_its_range_and_its_lanes(name: str, a: list[int], b: list[int]) -> None:
    found = PAIRS[name](lane(*a), lane(*b))
    corners = [MEANING[name](x, y) for x in a for y in b]
    assert found.low <= min(corners)
    assert max(corners) <= found.high
    assert element_bits(found.value.kind) == width(found.low, found.high)


@given(ranges, ends, st.integers(0, 62))
def test_ranges_of_one_operand(a: list[int], number: int, count: int) -> None:
    for found, meaning in (
        (lane(*a) + number, lambda x: x + number),
        (lane(*a) - number, lambda x: x - number),
        (lane(*a) >> count, lambda x: x >> count),
        (lane(*a).maximum(number), lambda x: max(x, number)),
        (lane(*a).clip(min(number, 5), max(number, 5)), lambda x: min(max(x, min(number, 5)), max(number, 5))),
    ):
        assert found.low <= meaning(a[0]) <= found.high
        assert found.low <= meaning(a[1]) <= found.high
        assert element_bits(found.value.kind) == width(found.low, found.high)


def extremes(dtype: DType) -> np.ndarray:
    """Values at and beside the ends of a type and around 0."""
    known = members(dtype)
    if known is not None and len(known) <= 512:
        return known
    found = {dtype.low, dtype.low + 1, dtype.high - 1, dtype.high, -1, 0, 1, dtype.low // 2, dtype.high // 2}
    return np.array(sorted(v for v in found if dtype.low <= v <= dtype.high), np.int64)


def every_pair(a: DType, b: DType) -> np.ndarray:
    """[pairs, 2]: a type's extremes with another's."""
    return np.stack(np.meshgrid(extremes(a), extremes(b)), axis=-1).reshape(-1, 2)


def one(kind: DType, name: str, /, **fields: object) -> tuple[Graph, np.ndarray]:
    """A graph of one op on a vector of 17 channels, and inputs that hold every extreme."""
    b = Builder({"x": TensorType((17,), kind)})
    values = extremes(kind)
    return b.graph(b.add(op_class(name)(**fields), "x")), np.repeat(values[:, None], 17, axis=1)


def two(kinds: tuple[DType, DType], name: str, /, **fields: object) -> tuple[Graph, np.ndarray]:
    """A graph of one op on two tensors of these types, which are cut from the input, and every pair of extremes."""
    wide = max(kinds, key=lambda kind: kind.high)
    b = Builder({"x": TensorType((2,), wide)})
    parts = []
    for start, kind in enumerate(kinds):
        cut = b.add(op_class("slice")(start=start, stop=start + 1), "x")
        parts.append(b.add(requantise(1, 0, 0, kind), cut))
    return b.graph(b.add(op_class(name)(**fields), *parts)), every_pair(*kinds)


def requantise(multiplier: int, bias: int, shift: int, dtype: DType):  # type: ignore[no-untyped-def]
    made = (Constant(int_for(min(v, 0), max(v, 0)), [v]) for v in (multiplier, bias))
    return op_class("requantise")(multiplier=next(made), bias=next(made), shift=shift, dtype=dtype)


def check(graph: Graph, x: np.ndarray, backend: Backend) -> None:
    assert np.array_equal(Plan(graph, backend).run(x), reference.run(graph, x))


@pytest.mark.parametrize("backend", BACK_ENDS, ids=lambda b: b.name)
@pytest.mark.parametrize("bits", [31, 32, 33, 62])
def test_a_product_of_exactly_so_many_bits(bits: int, backend: Backend) -> None:
    """-128 * 2^(bits - 8) is the lowest number of so many bits; the bias goes one below it, and the shift rounds."""
    for bias in (0, -1, 1, -(2 ** (bits - 2))):
        for shift in (0, 1, bits - 8):
            for dtype in (i(16), i(64)):
                b = Builder({"x": TensorType((17,), i(8))})
                graph = b.graph(b.add(requantise(2 ** (bits - 8), bias, shift, dtype), "x"))
                check(graph, np.repeat(extremes(i(8))[:, None], 17, axis=1), backend)


@pytest.mark.parametrize("backend", BACK_ENDS, ids=lambda b: b.name)
@pytest.mark.parametrize(
    ("kinds", "name", "fields"),
    [
        ((i(31), i(31)), "add", {}),
        ((i(32), i(2)), "add", {}),
        ((i(32), i(32)), "add", {}),
        ((i(32), i(32)), "add", {"dtype": i(32)}),
        ((i(61), i(61)), "add", {}),
        ((i(61), i(8)), "add", {"dtype": u(8)}),
        ((u(31), u(31)), "add", {}),
        ((i(16), i(16)), "multiply", {}),
        ((i(17), i(16)), "multiply", {}),
        ((i(17), i(16)), "multiply", {"shift": 1}),
        ((i(16), i(16)), "multiply", {"shift": 31}),
        ((i(31), i(32)), "multiply", {"shift": 30}),
        ((i(31), i(32)), "multiply", {"shift": 61, "dtype": i(8)}),
        ((u(16), u(15)), "multiply", {}),
        ((u(16), u(16)), "multiply", {"dtype": u(31)}),
    ],
)
def test_two_operands_at_their_limits(
    kinds: tuple[DType, DType], name: str, fields: dict[str, object], backend: Backend
) -> None:
    check(*two(kinds, name, **fields), backend)


ONE_OPERAND = {
    "abs i31": (i(31), "abs", {}),
    "abs i32": (i(32), "abs", {}),
    "abs i62": (i(62), "abs", {}),
    "relu i32": (i(32), "relu", {}),
    "relu i64": (i(64), "relu", {}),
    "prelu to 2^31": (i(17), "prelu", {"slope": Constant(i(17), [-(2**15)]), "shift": 0}),
    "prelu to -2^31": (i(17), "prelu", {"slope": Constant(i(17), [2**15]), "shift": 0}),
    "prelu by 2^30": (i(8), "prelu", {"slope": Constant(i(32), [2**30]), "shift": 30}),
    "prelu beside a high end": (i(32), "prelu", {"slope": Constant(i(8), [3]), "shift": 1}),
    "prelu of 62 bits": (i(32), "prelu", {"slope": Constant(i(31), [-(2**29)]), "shift": 40}),
    "thresholds beyond the operand": (
        i(31), "multi_threshold", {"thresholds": Constant(i(40), [[-(2**35), -(2**30), 2**30 - 1]]), "dtype": u(2)}
    ),
    "thresholds of 32 bits": (
        i(32), "multi_threshold", {"thresholds": Constant(i(32), [[-(2**31), -(2**31) + 1, 2**31 - 1]]), "dtype": u(2)}
    ),
    "thresholds of 62 bits": (
        i(62), "multi_threshold", {"thresholds": Constant(i(62), [[-(2**61), 2**61 - 1]]), "dtype": u(2)}
    ),
    "levels of 40 bits": (i(8), "multi_threshold", {"thresholds": Constant(i(8), [[-5, 0, 5]]), "dtype": i(40)}),
    "a table of 64 bits": (i(4), "lookup", {"table": Constant(i(64), [[2**63 - 1, -(2**63)] * 8]), "low": -8}),
    "a table of 32 bits": (i(4), "lookup", {"table": Constant(i(32), [[2**31 - 1, -(2**31)] * 8]), "low": -8}),
    "a table from far below": (u(4), "lookup", {"table": Constant(u(16), [np.arange(2**16)]), "low": 15 - 2**16 + 1}),
}  # fmt: skip


@pytest.mark.parametrize("backend", BACK_ENDS, ids=lambda b: b.name)
@pytest.mark.parametrize("case", ONE_OPERAND)
def test_one_operand_at_its_limits(case: str, backend: Backend) -> None:
    kind, name, fields = ONE_OPERAND[case]
    check(*one(kind, name, **fields), backend)


@pytest.mark.parametrize("backend", BACK_ENDS, ids=lambda b: b.name)
@pytest.mark.parametrize(("dtype", "factor"), [(i(16), i(16)), (i(17), i(16)), (i(31), i(32)), (u(16), u(15))])
def test_factors_of_positions_at_their_limits(dtype: DType, factor: DType, backend: Backend) -> None:
    b = Builder({"x": TensorType((2, 3, 17), dtype)})
    factors = np.resize([factor.low, factor.high, 1, -1 if factor.low else 2], (2, 3))
    graph = b.graph(b.add(op_class("position_scale")(factor=Constant(factor, factors)), "x"))
    values = extremes(dtype)
    check(graph, np.broadcast_to(values[:, None, None, None], (len(values), 2, 3, 17)), backend)


@pytest.mark.parametrize("backend", BACK_ENDS, ids=lambda b: b.name)
@settings(max_examples=25)
@given(st.integers(2, 33), st.integers(1, 40), st.integers(1, 50), st.integers(0, 50), seeds)
def test_rescaling(backend: Backend, x_bits: int, m_bits: int, b_bits: int, shift: int, seed: int) -> None:
    """Whether a product is made whole or from two halves of its factor, it is the same number."""
    kind, channels = i(x_bits), 17
    b = Builder({"x": TensorType((channels,), kind)})
    multiplier, bias = random_constant(i(m_bits), (channels,), seed), random_constant(i(b_bits), (channels,), seed + 1)
    for dtype in (i(8), i(64)):
        op = op_class("requantise")(multiplier=multiplier, bias=bias, shift=shift, dtype=dtype)
        try:
            b.add(op, "x")
        except GraphError:
            assume(False)
    values = np.repeat(extremes(kind)[:, None], channels, axis=1)
    check(b.graph("requantise_2"), values, backend)
    check(b.graph("requantise"), values, backend)


@pytest.mark.parametrize("backend", BACK_ENDS, ids=lambda b: b.name)
def test_constants_of_many_widths_in_one_kernel(backend: Backend) -> None:
    """Channels whose multipliers and biases need 2 to 50 bits, behind each other."""
    rng = np.random.default_rng(0)
    b, at = Builder({"x": TensorType((3, 2, 33), i(8))}), "x"
    for wide, bits in ((20, 31), (3, 2), (30, 50), (50, 16), (30, 9)):
        multiplier = Constant(i(wide), rng.integers(-(2 ** (wide - 1)), 2 ** (wide - 1), 33))
        bias = Constant(i(bits), rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), 33))
        at = b.add(op_class("requantise")(multiplier=multiplier, bias=bias, shift=wide - 2, dtype=i(13)), at)
    check(b.graph(at), rng.integers(-128, 128, (4, 3, 2, 33)), backend)

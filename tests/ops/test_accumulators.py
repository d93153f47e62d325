"""Inferred types of exact sums: they hold every value, their ends are reached, and what may leave 64 bits is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurobin.errors import GraphError
from neurobin.ir import BIPOLAR, TERNARY, Constant, DType, Encoding, IntTensor, Op, TensorType, int_for, to_packed
from neurobin.ir.dtype import i, u
from neurobin.ops.abs import Abs
from neurobin.ops.add import Add
from neurobin.ops.bit_conv2d import BitConv2d
from neurobin.ops.bit_dense import BitDense
from neurobin.ops.channel_sum import ChannelSum
from neurobin.ops.int_conv2d import IntConv2d
from neurobin.ops.int_dense import IntDense
from neurobin.ops.multiply import Multiply
from neurobin.ops.prelu import Prelu
from neurobin.ops.relu import Relu
from neurobin.ops.requantise import Requantise
from neurobin.ops.sum_pool2d import SumPool2d
from tests.ir.strategies import any_integer, channel_counts, medium, random_constant, seeds

contiguous = st.integers(1, 12).flatmap(lambda k: st.sampled_from([i(k), u(k)])) | st.just(TERNARY)


def ends_of(dtype: DType, weights: np.ndarray) -> np.ndarray:
    """[2 O, K]: for each filter the operand with the smallest and the one with the largest sum."""
    flat = weights.reshape(len(weights), -1)
    return np.concatenate([np.where(flat > 0, dtype.low, dtype.high), np.where(flat > 0, dtype.high, dtype.low)])


def check_tight(dtype: DType, results: np.ndarray) -> None:
    assert dtype.holds(results)
    assert int_for(int(results.min()), int(results.max())) == dtype


@pytest.mark.parametrize("op_type", [BitDense, IntDense])
@given(dtype=medium, weight=medium, outputs=st.integers(1, 3), length=channel_counts, seed=seeds)
def test_dense_reaches_both_ends(
    op_type: type[Op], dtype: DType, weight: DType, outputs: int, length: int, seed: int
) -> None:
    constant = random_constant(weight, (outputs, length), seed)
    op = op_type(constant)  # type: ignore[call-arg]
    x = ends_of(dtype, constant.values)
    y = op.reference(x)
    check_tight(op.infer(TensorType((length,), dtype)).dtype, y)
    assert np.array_equal(op.packed(to_packed(x, dtype)).values(), y)


@pytest.mark.parametrize("op_type", [BitConv2d, IntConv2d])
@given(dtype=medium, weight=medium, groups=st.integers(1, 3), depth=channel_counts, seed=seeds)
def test_convolution_reaches_both_ends(
    op_type: type[Op], dtype: DType, weight: DType, groups: int, depth: int, seed: int
) -> None:
    """The map is one window; every group is at the same end."""
    constant = random_constant(weight, (groups, 2, 1, depth), seed)
    op = op_type(constant, groups=groups)  # type: ignore[call-arg]
    ends = ends_of(dtype, constant.values).reshape(2, groups, 2, 1, depth)
    x = np.moveaxis(ends, 1, 3).reshape(2, 2, 1, groups * depth)
    y = op.reference(x)
    check_tight(op.infer(TensorType((2, 1, groups * depth), dtype)).dtype, y)
    assert np.array_equal(op.packed(to_packed(x, dtype)).values(), y)


@given(medium, medium)
def test_elementwise_sums_and_products_reach_both_ends(a: DType, b: DType) -> None:
    types = TensorType((1,), a), TensorType((1,), b)
    x, y = (v.reshape(-1, 1) for v in np.meshgrid([a.low, a.high], [b.low, b.high]))
    check_tight(Add().infer(*types).dtype, Add().reference(x, y))
    for shift in (0, 1, 7, 30):
        op = Multiply(shift)
        check_tight(op.infer(*types).dtype, op.reference(x, y))


@given(medium, channel_counts, st.integers(1, 3))
def test_pools_reach_both_ends(dtype: DType, channels: int, size: int) -> None:
    x = np.stack([np.full((size, size, channels), end) for end in (dtype.low, dtype.high)])
    kind = TensorType((size, size, channels), dtype)
    check_tight(ChannelSum().infer(kind).dtype, ChannelSum().reference(x))
    pool = SumPool2d((size, size), (1, 1))
    check_tight(pool.infer(kind).dtype, pool.reference(x))


@given(medium, medium, st.integers(0, 20), channel_counts, seeds)
def test_prelu_type_is_tight(dtype: DType, slope: DType, shift: int, channels: int, seed: int) -> None:
    op = Prelu(random_constant(slope, (channels,), seed), shift)
    result = op.infer(TensorType((channels,), dtype)).dtype
    x = np.stack([np.full(channels, end) for end in (dtype.low, dtype.high)])
    y = op.reference(x)
    assert result.holds(y)
    tight = int_for(min(int(y.min()), 0), int(y.max()))
    assert result == tight


@given(any_integer.filter(lambda t: t.low > -(2**63)))
def test_rectifiers_keep_the_largest_value(dtype: DType) -> None:
    kind, ends = TensorType((1,), dtype), np.array([[dtype.low], [dtype.high]])
    for op in (Relu(), Abs()):
        result = op.infer(kind).dtype
        y = op.reference(ends)
        assert result.holds(y)
        assert result.low == 0 or dtype.encoding is Encoding.UNSIGNED
        top = int(y.max())
        assert dtype.encoding is Encoding.UNSIGNED or result.bits == max(top.bit_length(), 1)


def exact_sum(op: BitDense | IntDense, x: list[int]) -> int:
    return sum(w * v for w, v in zip(op.weight.values[0].tolist(), x, strict=True))


@pytest.mark.parametrize("op_type", [BitDense, IntDense])
def test_wide_operands_up_to_the_limit(op_type: type[BitDense] | type[IntDense]) -> None:
    """The largest sums that are allowed are exact; twice as much is refused."""
    for weight, act in ((i(40), i(22)), (i(62), i(1)), (i(1), i(62)), (u(31), u(30)), (DType(Encoding.BIPOLAR, 30), i(32))):
        op = op_type(Constant(weight, [[weight.low if weight.low else weight.high]]))
        kind = op.infer(TensorType((1,), act))
        for value in (act.low, act.high):
            x = np.array([[value]])
            assert int(op.reference(x)[0, 0]) == exact_sum(op, [value])
            packed = op.packed(IntTensor(x.astype(act.numpy), act))
            assert int(packed.values()[0, 0]) == exact_sum(op, [value])
            assert kind.dtype.holds(packed.values())


@pytest.mark.parametrize("op_type", [BitDense, IntDense])
@pytest.mark.parametrize(
    ("weight", "act", "length"),
    [(i(40), i(24), 1), (i(32), i(32), 2), (u(63), i(2), 1), (i(64), i(1), 1), (i(16), i(40), 1000)],
)
def test_sums_beyond_64_bits_are_refused(
    op_type: type[BitDense] | type[IntDense], weight: DType, act: DType, length: int
) -> None:
    op = op_type(Constant(weight, np.full((1, length), weight.low or weight.high)))
    with pytest.raises(GraphError, match="may exceed 64 bits"):
        op.infer(TensorType((length,), act))


def test_many_planes_that_cancel_do_not_overflow() -> None:
    """Small weights in a 64-bit type: single plane products pass 2^64, their sum does not."""
    op = BitDense(Constant(i(64), [[1, -1, 5]]))
    x = np.array([[30_000, -30_000, 7]])
    assert op.packed(IntTensor(x.astype(np.int16), i(16))).values().tolist() == [[60_035]]


WIDE = TensorType((1,), i(63))


@pytest.mark.parametrize(
    ("op", "types"),
    [
        (Add(), (TensorType((1,), i(64)), TensorType((1,), i(64)))),
        (Add(i(8)), (TensorType((1,), i(64)), TensorType((1,), i(64)))),
        (Multiply(), (WIDE, TensorType((1,), i(3)))),
        (Multiply(40, i(8)), (WIDE, TensorType((1,), i(3)))),
        (Multiply(63), (TensorType((1,), i(3)),) * 2),
        (Multiply(-1), (TensorType((1,), i(3)),) * 2),
        (Multiply(62), (TensorType((1,), i(32)),) * 2),
        (Prelu(Constant(i(3), [-4])), (WIDE,)),
        (Prelu(Constant(i(64), [-(2**63)])), (TensorType((1,), i(2)),)),
        (Prelu(Constant(i(3), [1]), 63), (TensorType((1,), i(3)),)),
        (Requantise(Constant(i(3), [3]), Constant(i(2), [0]), 0, i(8)), (WIDE,)),
        (Requantise(Constant(i(64), [-(2**63)]), Constant(i(2), [0]), 0, i(8)), (TensorType((1,), i(2)),)),
        (Requantise(Constant(i(2), [1]), Constant(i(64), [-(2**63)]), 0, i(8)), (TensorType((1,), i(2)),)),
        (Requantise(Constant(i(2), [1]), Constant(i(64), [2**63 - 1]), 0, i(8)), (TensorType((1,), i(2)),)),
        (Requantise(Constant(i(2), [1]), Constant(i(2), [1]), 63, i(8)), (TensorType((1,), i(2)),)),
        (ChannelSum(), (TensorType((3,), i(63)),)),
        (SumPool2d((1, 3), (1, 1)), (TensorType((1, 3, 1), i(63)),)),
        (Abs(), (TensorType((1,), i(64)),)),
    ],
)
def test_what_may_overflow_is_refused(op: Op, types: tuple[TensorType, ...]) -> None:
    with pytest.raises(GraphError):
        op.infer(*types)


@given(st.integers(2, 62), st.integers(0, 62), st.integers(-(2**62), 2**62), seeds)
def test_requantise_never_wraps_where_it_is_allowed(bits: int, shift: int, bias: int, seed: int) -> None:
    """At the very edge of the bound the 64-bit arithmetic equals Python's."""
    largest = (2**63 - 1 - abs(bias) - 2**shift) // 2 ** (bits - 1)
    if largest < 1:
        return
    multiplier = largest if seed % 2 else -largest
    op = Requantise(Constant(i(64), [multiplier]), Constant(i(64), [bias]), shift, i(64))
    assert op.infer(TensorType((1,), i(bits))).dtype == i(64)
    for value in (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0, 1, -1):
        expected = (value * multiplier + bias + ((1 << shift) >> 1)) >> shift
        assert int(op.reference(np.array([[value]]))[0, 0]) == expected


@given(st.integers(2, 40), st.integers(0, 40), seeds)
def test_multiply_and_prelu_never_wrap_where_they_are_allowed(bits: int, shift: int, seed: int) -> None:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    other = i(max(2, 62 - bits))
    product = Multiply(shift)
    kind = product.infer(TensorType((1,), i(bits)), TensorType((1,), other)).dtype
    slope = Prelu(Constant(other, [other.low if seed % 2 else other.high]), shift)
    bent = slope.infer(TensorType((1,), i(bits))).dtype
    half = (1 << shift) >> 1
    for value in (low, high, -1):
        for factor in (other.low, other.high):
            y = product.reference(np.array([[value]]), np.array([[factor]]))
            assert int(y[0, 0]) == (value * factor + half) >> shift
            assert kind.holds(y)
        y = slope.reference(np.array([[value]]))
        assert int(y[0, 0]) == (value if value >= 0 else (value * int(slope.slope.values[0]) + half) >> shift)
        assert bent.holds(y)


@pytest.mark.parametrize("dtype", [BIPOLAR, DType(Encoding.BIPOLAR, 2), DType(Encoding.UNSIGNED, 2, (1, 3))])
def test_nothing_saturates_to_a_type_with_gaps(dtype: DType) -> None:
    kind = TensorType((1,), i(8))
    one = Constant(i(2), [1])
    for op, types in (
        (Add(dtype), (kind, kind)),
        (Multiply(0, dtype), (kind, kind)),
        (Requantise(one, one, 0, dtype), (kind,)),
    ):
        with pytest.raises(GraphError, match=f"cannot clip to {dtype}"):
            op.infer(*types)  # type: ignore[attr-defined]


@given(contiguous, seeds)
def test_saturation_reaches_both_ends(dtype: DType, seed: int) -> None:
    op = Requantise(Constant(i(2), [1]), Constant(i(2), [0]), 0, dtype)
    x = np.array([[-(2**30)], [dtype.low - 1], [dtype.low], [0], [dtype.high], [dtype.high + 1], [2**30]])
    assert op.reference(x)[:, 0].tolist() == [dtype.low] * 3 + [0] + [dtype.high] * 3
    assert np.array_equal(op.packed(IntTensor(x.astype(np.int32), i(32))).values(), op.reference(x))

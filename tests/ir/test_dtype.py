"""Element types: ranges, members, names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurobin.errors import GraphError
from neurobin.ir import BINARY, BIPOLAR, FLOAT32, FLOAT64, TERNARY, DType, Encoding, int_for, parse_dtype
from neurobin.ir.dtype import i, u
from tests.ir.strategies import any_integer, members, narrow


@given(any_integer)
def test_text_is_inverted_by_parse(dtype: DType) -> None:
    assert parse_dtype(str(dtype)) == dtype


@pytest.mark.parametrize("text", ["bipolar", "ternary", "binary", "f32", "f64", "u8", "i1", "bipolar3", "u2<5,1>"])
def test_the_names_people_write(text: str) -> None:
    assert str(parse_dtype(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "u", "i", "i0", "i65", "u64", "bipolar64", "f16", "f", "ternary2", "u8 ", "U8", "u-3", "u³", "u\u0663", "i100000",
     "bipolar2<1>", "bipolar2<1,1>", "bipolar2<0,1>", "bipolar2<-1,2>", "bipolar2<-->", "bipolar2<,>", "bipolar2<1,,2>",
     "bipolar2<1,2", "i2<1,2>", "f32<1>", "u1<" + "9" * 19 + ">", "u1<" + "9" * 5000 + ">", "u17<" + "1," * 16 + "1>"],
)  # fmt: skip
def test_refuses_names_that_mean_nothing(text: str) -> None:
    with pytest.raises(GraphError):
        parse_dtype(text)


@given(narrow)
def test_range_and_members_agree(dtype: DType) -> None:
    values = members(dtype)
    assert values is not None
    assert (dtype.low, dtype.high) == (values.min(), values.max())
    assert dtype.count == len(np.unique(values))
    assert dtype.holds(values)
    outside = np.setdiff1d(np.arange(dtype.low - 2, dtype.high + 3), values)
    assert not any(dtype.holds(np.array([value])) for value in outside)
    if dtype.is_range:
        assert set(values.tolist()) == set(range(dtype.low, dtype.high + 1))
    assert np.iinfo(dtype.numpy).min <= dtype.low
    assert dtype.high <= np.iinfo(dtype.numpy).max


def test_clipping_is_only_meant_where_every_integer_is_a_value() -> None:
    assert [t.is_range for t in (BINARY, TERNARY, u(5), i(5))] == [True] * 4
    assert [t.is_range for t in (BIPOLAR, DType(Encoding.BIPOLAR, 3), DType(Encoding.UNSIGNED, 2, (3, 1)), FLOAT32)] == [
        False
    ] * 4


def test_an_integer_type_holds_no_fractions_and_no_text() -> None:
    assert not u(2).holds(np.array([0.5]))
    assert not u(2).holds(np.array([1.0]))
    assert not u(2).holds(np.array(["1"]))
    assert u(2).holds(np.array([], np.int64))
    assert BINARY.holds(np.array([True, False]))
    assert not i(8).holds(np.array([2**64 - 1], np.uint64))


def test_real_types_hold_finite_numbers() -> None:
    assert FLOAT64.holds(np.array([1e300, -0.0]))
    assert not FLOAT32.holds(np.array([np.nan]))
    assert not FLOAT32.holds(np.array([np.inf]))


@pytest.mark.parametrize(
    ("encoding", "bits", "scales", "message"),
    [
        (Encoding.SIGNED, 0, (), "a type has 1 to 64 bits, got 0"),
        (Encoding.SIGNED, 65, (), "a type has 1 to 64 bits, got 65"),
        (Encoding.TERNARY, 3, (), "ternary values take 2 bits (sign and mask), got 3"),
        (Encoding.FLOAT, 16, (), "real types have 32 or 64 bits, got 16"),
        (Encoding.SIGNED, 2, (1, 2), "plane scales belong to bipolar and unsigned types, got i"),
        (Encoding.BIPOLAR, 2, (1,), "expected 2 plane scales, each at least 1, got (1,)"),
        (Encoding.BIPOLAR, 2, (1, 1), "plane scales (1, 1) give two codes the same value"),
        (Encoding.UNSIGNED, 64, (), "values of u64 reach 18446744073709551615, integers are limited to 64 bits with sign"),
    ],
)
def test_refuses_types_that_mean_nothing(encoding: Encoding, bits: int, scales: tuple[int, ...], message: str) -> None:
    with pytest.raises(GraphError) as error:
        DType(encoding, bits, scales)
    assert str(error.value) == message


def test_int_for_at_every_small_pair() -> None:
    for low in range(-40, 40):
        for high in range(low, 40):
            narrowest = next(k for k in range(1, 64) if -(2 ** (k - 1)) <= low and high < 2 ** (k - 1))
            assert int_for(low, high) == i(narrowest)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_int_for_is_the_narrowest(a: int, b: int) -> None:
    low, high = min(a, b), max(a, b)
    dtype = int_for(low, high)
    assert dtype.low <= low
    assert high <= dtype.high
    if dtype.bits > 1:
        tighter = i(dtype.bits - 1)
        assert low < tighter.low or tighter.high < high

"""SI quantities: the formatter, its inverse, and what is no quantity."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurobin.errors import UsageError
from neurobin.units import format_bytes, format_si, parse_si

UNITS = ["J", "s", "W", "Hz", "B", "V", "m", "m2", "Pa", "F", "A", "K", "op/s"]
magnitudes = st.floats(1e-18, 1e17) | st.floats(1e-18, 1e17).map(lambda v: -v)


@given(magnitudes, st.sampled_from(UNITS), st.integers(1, 6))
def test_parse_inverts_format_to_the_digits_shown(value: float, unit: str, digits: int) -> None:
    text = format_si(value, unit, digits)
    assert math.isclose(parse_si(text, unit), value, rel_tol=0.51 * 10 ** (1 - digits))


@given(st.floats(1e-17, 9e17), st.integers(1, 6))
def test_one_to_three_digits_stand_before_the_point(value: float, digits: int) -> None:
    number = float(format_si(value, "J", digits).split(" ")[0])
    assert 1 <= number < 1000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.9996e-6, "1 µJ"),
        (999.4, "999 J"),
        (999.6, "1 kJ"),
        (1e-15, "1 fJ"),
        (1e-21, "0.001 aJ"),
        (1e18, "1000 PJ"),
        (-4.35e-6, "-4.35 µJ"),
        (0.0, "0 J"),
        (-0.0, "0 J"),
        (1000, "1 kJ"),
        (1e-3, "1 mJ"),
        (math.inf, "inf J"),
        (math.nan, "nan J"),
    ],
)
def test_edges(value: float, expected: str) -> None:
    assert format_si(value, "J") == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("5uJ", "J", 5e-6),
        ("5 µJ", "J", 5e-6),
        ("5 μJ", "J", 5e-6),
        (" 10 ms ", "s", 0.01),
        ("64kB", "B", 64_000),
        ("3", "s", 3.0),
        ("-1.5e3", "J", -1500.0),
        ("1e-3 s", "s", 1e-3),
        ("5 mm2", "m2", 5e-3),
        ("5 Pa", "Pa", 5.0),
        ("5 PPa", "Pa", 5e15),
        ("5mm", "m", 5e-3),
        ("2 k", "", 2000.0),
        (".5J", "J", 0.5),
    ],
)
def test_what_people_write(text: str, unit: str, expected: float) -> None:
    assert parse_si(text, unit) == expected


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("", "J"),
        ("J", "J"),
        ("5 s", "J"),
        ("5m", "J"),
        ("5 k", "B"),
        ("five J", "J"),
        ("1.2.3 J", "J"),
        ("5 xJ", "J"),
        ("1e400 J", "J"),
        ("1e300 PJ", "J"),
        ("nan J", "J"),
        ("inf", "J"),
        ("5 j", "J"),
        ("5 JJ", "J"),
        ("0x10 J", "J"),
        ("1_000 J", "J"),
        ("\uff15 J", "J"),
        ("5,3 J", "J"),
        (".J", "J"),
    ],
)
def test_what_is_no_quantity(text: str, unit: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_si(text, unit)
    assert repr(text) in str(error.value)
    assert error.value.exit_code == 2


def test_bytes_take_binary_prefixes() -> None:
    expected = {0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 2**20: "1 MiB", 5 * 2**30: "5 GiB", 12.5: "12.5 B"}
    assert {count: format_bytes(count) for count in expected} == expected

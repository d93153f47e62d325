"""Schedules at points with known values."""

from __future__ import annotations

import math

import pytest

from neurobin.errors import UsageError
from neurobin.recipes.schedules import SCHEDULES, schedule

POINTS = [0.0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("cosine", [1, 0.5 + 0.5 * 0.5**0.5, 0.5, 0.5 - 0.5 * 0.5**0.5]),
        ("two_stage", [1, 0.5, 1, 0.5]),
        ("exponential", [1, 10**-0.75, 10**-1.5, 10**-2.25]),
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("step", [1, 1, 0.1, 0.01]),
        ("constant", [1, 1, 1, 1]),
    ],
)
def test_values(name: str, values: list[float]) -> None:
    assert [schedule(name)(p) for p in POINTS] == pytest.approx(values)


def test_warm_up() -> None:
    warm = schedule("warmup_cosine")
    assert [warm(0), warm(0.025), warm(0.05)] == pytest.approx([0, 0.5, 1])
    assert warm(0.05 + 0.95 / 2) == pytest.approx(0.5)
    assert warm(math.nextafter(1, 0)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
def test_factors_lie_between_0_and_1(name: str) -> None:
    assert all(0 <= schedule(name)(k / 1000) <= 1 for k in range(1000))


def test_unknown_schedules_name_the_known() -> None:
    with pytest.raises(UsageError, match=r"unknown schedule 'cosin' \(try: 'cosine'\)"):
        schedule("cosin")
    with pytest.raises(UsageError, match="cosine, warmup_cosine"):
        schedule("zigzag")

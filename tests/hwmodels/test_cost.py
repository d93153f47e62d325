"""Rows add up the same way however they are grouped, and what is not modelled never counts as zero."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodels.cost import CostReport, CostRow
from hwmodels.sourced import Sourced, product


def joules(value: float, low: float, high: float, status: str = "published") -> Sourced:
    return Sourced(value=value, unit="J", source="a paper, table 1", low=low, high=high, status=status)


rows = st.builds(
    CostRow,
    node=st.sampled_from(["a", "b", "c"]),
    resource=st.sampled_from(["core", "flash"]),
    component=st.sampled_from(["compute", "static", "network"]),
    action=st.sampled_from(["add", "read"]),
    count=st.floats(0, 1e9),
    constant=st.sampled_from(["x", "y"]),
    unit=st.one_of(st.none(), st.floats(1e-15, 1e-9).map(lambda v: joules(v, v / 2, v * 3))),
)


@given(st.lists(rows, max_size=20))
def test_every_grouping_sums_to_the_total(made):
    report = CostReport("chip", tuple(made), 1.0, 1.0, 1.0)
    for key in ("node", "component", "resource", "action", "constant"):
        groups = report.by(key).values()
        for part in ("energy_j", "energy_low_j", "energy_high_j"):
            total = getattr(report.total, part)
            assert math.isclose(math.fsum(getattr(g, part) for g in groups), total, rel_tol=1e-12, abs_tol=1e-30)
    assert report.total.energy_low_j <= report.total.energy_j <= report.total.energy_high_j
    assert report.priced == any(row.unit for row in made)


def test_rows_without_a_constant_are_null_and_listed():
    row = CostRow("a", "host", "host", "mac", 5, "host.mac", None)
    report = CostReport("chip", (row,), 1.0, 1.0, 1.0)
    assert row.to_dict()["energy_j"] is None
    assert row.to_dict()["status"] == "not modelled"
    assert report.not_modelled == (row,)
    assert not report.priced
    assert report.nodes == ("a",)
    assert report.by("node") == {}  # absent, never 0


def test_products_carry_ranges_and_the_weaker_status():
    made = product(joules(2, 1, 3, "measured"), joules(5, 4, 10, "assumed"), "J", "both")
    assert (made.value, made.low, made.high, made.status) == (10, 4, 30, "assumed")
    assert "a paper" in made.source


@pytest.mark.parametrize(
    ("values", "message"),
    [((1, 2, 3), "low <= value <= high"), ((float("nan"), 0, 1), "finite"), ((1, 0, float("inf")), "finite")],
)
def test_constants_are_consistent(values, message):
    with pytest.raises(ValueError, match=message):
        joules(*values)

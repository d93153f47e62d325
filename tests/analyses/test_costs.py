"""Headline, energy, explain, sensitivity, Pareto and provenance add up to the cost reports they were made from."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses.energy import (
    energy_by_component,
    energy_by_node,
    explain,
    not_modelled,
    priced,
    priced_components,
    unpriced_components,
)
from analyses.headline import headline
from analyses.pareto import Point, front, pareto, points, standing
from analyses.provenance import constants, models, omissions
from analyses.results import PairResult
from analyses.sensitivity import tornado
from analyses.validation import accuracy_loss, validation
from hwmodels.cost import CHIP, CostReport
from neurobin.errors import UsageError
from tests.reports.sample import comparison

SAMPLE = comparison(8, 3)
REPORTS = [result.report for result in SAMPLE.results if result.report is not None]


def total(values: list[float]) -> float:
    return math.fsum(values)


@pytest.mark.parametrize("report", REPORTS[:6])
def test_energy_by_node_by_component_and_in_all_agree(report: CostReport) -> None:
    by_node = energy_by_node(report)
    cells = [v for c in priced_components(report) for v in by_node.numbers(c.replace(" ", "_") + "_j")]
    whole = report.total.energy_j
    assert math.isclose(total(cells), whole, rel_tol=1e-12)
    assert math.isclose(total(by_node.numbers("energy_j")), whole, rel_tol=1e-12)
    assert math.isclose(total(energy_by_component(report).numbers("energy_j")), whole, rel_tol=1e-12)
    assert math.isclose(total(by_node.numbers("share")), 1, rel_tol=1e-12)


@pytest.mark.parametrize("report", REPORTS[:6])
def test_explain_sums_to_the_report_exactly(report: CostReport) -> None:
    for node, energy in report.by("node").items():
        table = explain(report, node)
        assert total(table.numbers("energy_j")) == energy.energy_j
        assert total(table.numbers("energy_low_j")) == energy.energy_low_j
        for row in table:
            assert row["source"]
            if row["unit_energy_j"] is not None:
                assert row["energy_j"] == float(str(row["count"])) * float(str(row["unit_energy_j"]))


def test_what_is_not_modelled_is_none_never_zero() -> None:
    report = REPORTS[0]
    host = next(row for row in explain(report, report.rows[0].node) if row["component"] == "host")
    assert (host["energy_j"], host["unit_energy_j"], host["source"]) == (None, None, "not modelled")
    assert "host" not in priced_components(report)
    assert next(row for row in energy_by_component(report) if row["component"] == "host")["energy_j"] is None
    assert not_modelled(report).column("constant") == ["host.link"]
    assert "no constant" in omissions(SAMPLE).column("kind")


def unpriced(result: PairResult) -> PairResult:
    """The same pair on a chip without any energy constant."""
    assert result.report is not None
    rows = tuple(replace(row, unit=None) for row in result.report.rows)
    return replace(result, report=replace(result.report, rows=rows))


def test_a_chip_without_constants_has_no_energy_anywhere() -> None:
    bare = replace(SAMPLE, results=(unpriced(SAMPLE.results[0]), SAMPLE.results[1]))
    first, second = headline(bare)
    assert (first["energy_j"], first["energy_low_j"], first["energy_high_j"], first["fits"]) == (None, None, None, True)
    assert first["energy_without"] == "compute, activation memory, network, static, host"
    assert second["energy_without"] == "host"
    some = REPORTS[0].rows
    assert unpriced_components(replace(REPORTS[0], rows=(replace(some[0], unit=None), *some[1:]))) == (
        "part of compute",
        "host",
    )
    assert [p.target for p in points(bare)] == ["cortex_m4"]
    report = bare.results[0].report
    assert report is not None
    assert priced(report) is None
    assert energy_by_component(report).column("energy_j") == [None] * 5
    assert len(tornado(report)) == 0


def test_explain_of_an_unknown_node_suggests_one() -> None:
    with pytest.raises(UsageError, match="try: 'requantise0'"):
        explain(REPORTS[0], "requantize0")


@pytest.mark.parametrize("report", REPORTS[:6])
def test_tornado_changes_add_up_to_the_range(report: CostReport) -> None:
    table, whole = tornado(report), report.total
    up = total([value - whole.energy_j for value in table.numbers("total_high_j")])
    down = total([value - whole.energy_j for value in table.numbers("total_low_j")])
    assert math.isclose(up, whole.energy_high_j - whole.energy_j, rel_tol=1e-9)
    assert math.isclose(down, whole.energy_low_j - whole.energy_j, rel_tol=1e-9)
    assert table.numbers("swing_j") == sorted(table.numbers("swing_j"), reverse=True)
    assert "host.link" not in table.column("constant")


def test_headline_has_the_fixed_fields_and_the_reports_figures() -> None:
    table = headline(SAMPLE)
    fixed = {"model", "method", "target", "accuracy", "energy_j", "energy_low_j", "energy_high_j", "latency_s", "memory"}
    assert fixed | {"fits", "valid"} <= {column.name for column in table.columns}
    for row, result in zip(table, SAMPLE.results, strict=True):
        if result.report is None:
            assert row["fits"] is False
            assert row["energy_j"] is None
            assert "288 inputs" in str(row["reasons"])
        else:
            assert row["energy_j"] == result.report.total.energy_j
            assert row["memory"] == result.resources[0].used


accuracies, energies = st.sampled_from([0.5, 0.9, 0.95]), st.sampled_from([1.0, 2.0, 3.0])


@given(st.lists(st.tuples(accuracies, energies), min_size=1, max_size=12))
def test_front_is_what_nothing_beats(values: list[tuple[float, float]]) -> None:
    found = [Point(f"m{k}", "t", a, e, e / 2, e * 2) for k, (a, e) in enumerate(values)]
    best = front(found)
    assert best
    for point in found:
        beaten = [
            q for q in found if (q.accuracy >= point.accuracy and q.energy_j < point.energy_j)
            or (q.accuracy > point.accuracy and q.energy_j <= point.energy_j)
        ]  # fmt: skip
        assert (point in best) == (not beaten)
        assert (standing(point, found) == "front") == (not beaten)


def test_networks_of_other_data_sets_are_no_rivals() -> None:
    weak, strong = Point("weak", "t", 0.8, 3.0, 2.9, 3.1, "hard"), Point("strong", "t", 0.9, 1.0, 0.9, 1.1, "easy")
    assert front((weak, strong)) == (strong, weak)
    assert [standing(p, (weak, strong)) for p in (weak, strong)] == ["front", "front"]


def test_dominated_only_when_the_ranges_are_apart() -> None:
    good, near, far = (Point(n, "t", 0.9, e, e * 0.8, e * 1.2) for n, e in (("good", 1.0), ("near", 1.2), ("far", 2.0)))
    assert [standing(p, (good, near, far)) for p in (good, near, far)] == ["front", "within range", "dominated"]
    assert len(pareto(SAMPLE)) == len(points(SAMPLE)) == len(REPORTS)


def test_validation_puts_problems_first_and_loss_is_in_points() -> None:
    assert [str(s) for s in validation(SAMPLE).column("status")][:4] == ["mismatch", "refused", "refused", "refused"]
    lost = dict(zip(accuracy_loss(SAMPLE).column("model"), accuracy_loss(SAMPLE).numbers("lost_points"), strict=True))
    assert lost["bnn_digits"] == 0
    assert math.isclose(lost["birealnet_digits"], 0.28, abs_tol=1e-9)


def test_provenance_lists_every_constant_and_model() -> None:
    found = SAMPLE.chips["truenorth"]
    table = constants("truenorth", found)
    assert table.column("constant") == [path for path, _ in found]
    assert table.column("source") == [constant.source for _, constant in found]
    assert len(models(SAMPLE)) == 8
    assert CHIP in REPORTS[0].by("node")

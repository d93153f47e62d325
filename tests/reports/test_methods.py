"""The section on the field: one row per network, ours and the literature's accuracies apart, fronts in a figure."""

from __future__ import annotations

from dataclasses import replace

from analyses.results import Comparison, TargetInfo
from reports.page import render
from reports.sections.methods import render as section
from reports.view import View
from tests.reports.reader import Page, read
from tests.reports.sample import CHIPS, comparison

ABOUT = tuple(TargetInfo(name, family, f"{name} at 1 V") for name, family in CHIPS.items())


def mixed() -> Comparison:
    """Six networks, two of them on another data set, on two chips of every family."""
    made = comparison(8, 6, hostile=False)
    models = tuple(replace(model, dataset="fashion_mnist" if k < 6 else "digits") for k, model in enumerate(made.models))
    return replace(made, models=models, about=ABOUT)


def made(given: Comparison) -> Page:
    return read(render(given))


def test_a_table_per_data_set_the_largest_first() -> None:
    page = made(mixed())
    assert [len(page.tables[f"methods-table-{k}"]) for k in (0, 1)] == [1 + 6, 1 + 2]
    assert "methods-table-2" not in page.tables
    words = " ".join(page.words)
    assert "Accuracies of different data sets do not compare" in words
    assert "fashion_mnist" in words
    alone = made(comparison(4, 3, hostile=False))
    assert "Accuracies of different data sets" not in " ".join(alone.words)


def test_rows_stand_by_year_and_one_chip_stands_for_a_family() -> None:
    page = made(replace(comparison(8, 6, hostile=False), about=ABOUT))
    head, *rows = page.tables["methods-table-0"]
    assert len(head) == 7 + len(set(CHIPS.values())) + 1
    years = [row[1] for row in rows]
    assert years == sorted(years)
    assert str(rows[0][0]).startswith("BinaryConnect")


def test_literature_has_a_column_of_its_own_with_its_source() -> None:
    page = made(comparison(4, 3, hostile=False))
    head, *rows = page.tables["methods-table-0"]
    assert head[-1] == "published elsewhere"
    for row in rows:
        assert "44.2 % ImageNet, AlexNet (table 1)" in str(row[-1])
        assert not any("44.2" in str(cell) for cell in row[:-1])
        assert "1 more" in str(row[-1])


def test_the_spread_over_seeds_stands_under_the_accuracy() -> None:
    words = " ".join(made(comparison(1, 1, hostile=False)).words)
    assert "96.44 ± 0.71 % (2 seeds)" in words


def test_mean_average_precision_stands_under_the_accuracies_of_a_detector() -> None:
    plain = comparison(1, 1, hostile=False)
    detector = replace(plain, models=tuple(replace(m, map_torch=0.8785, map_deployed=0.877) for m in plain.models))
    words = " ".join(made(detector).words)
    assert "mAP 87.85 %" in words
    assert "mAP 87.70 %" in words
    assert "mAP 8" not in " ".join(made(plain).words)


def test_a_refusal_gives_its_reason_in_the_row() -> None:
    page = made(comparison(8, 3, hostile=False))
    refused = [r for r in comparison(8, 3, hostile=False).results if r.fits is False]
    cells = [str(cell) for row in page.tables["methods-table-0"][1:] for cell in row]
    assert sum("288 inputs per neuron, the crossbar has 256" in cell for cell in cells) == len(refused)


def test_every_plotted_value_stands_in_a_table() -> None:
    page = made(mixed())
    numbers = page.numbers("methods-table-0") | page.numbers("methods-table-1")
    figure = page.figures["fig-methods"]
    plotted = [value for trace in figure["data"] for value in (*trace["x"], *trace["y"])]
    assert plotted
    assert set(plotted) <= numbers
    assert {trace["meta"] for trace in figure["data"]} == {"0", "1"}
    assert all(trace["visible"] == (trace["meta"] == "0") for trace in figure["data"])


def test_only_points_of_fronts_are_named() -> None:
    figure = made(mixed()).figures["fig-methods"]
    fronts = [trace for trace in figure["data"] if trace["mode"] == "lines+text"]
    assert any(name for trace in fronts for name in trace["text"])
    assert all(trace["mode"] == "markers" or trace["hoverinfo"] == "skip" for trace in figure["data"])
    for trace in fronts:
        assert sorted(trace["x"]) == trace["x"]
        assert sorted(trace["y"]) == trace["y"]


def test_without_papers_there_is_no_section() -> None:
    given = comparison(2, 2, hostile=False)
    bare = replace(given, models=tuple(replace(model, literature=None) for model in given.models))
    assert section(View(bare)) is None

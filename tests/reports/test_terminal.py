"""Tables on the terminal: no markup, no control characters, no colour where none is wanted."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest
from rich.console import Console, RenderableType

from hwmodels.sourced import Sourced
from reports import terminal
from tests.reports.sample import comparison

SAMPLE = comparison(4, 3)


def printed(*made: RenderableType) -> str:
    out = io.StringIO()
    console = terminal.console(out)
    for table in made:
        console.print(table)
    return out.getvalue()


def everything() -> Iterable[RenderableType]:
    hostile = SAMPLE.results[4].report
    assert hostile is not None
    yield terminal.compare(SAMPLE)
    yield terminal.validate(result.pair for result in SAMPLE.results)
    for node in hostile.by("node"):
        yield terminal.explain(hostile, node)
    yield terminal.target("truenorth", dict(SAMPLE.chips["truenorth"]))


def test_names_are_text_and_nothing_escapes() -> None:
    text = printed(*everything())
    assert "[bold red]rich[/]" in text.replace("\n", "")
    assert not any(character in text for character in "\x1b\x00\u202e")
    assert "layer\\u202egnp.exe" in text


def test_compare_shows_energy_with_range_and_reasons() -> None:
    text = printed(terminal.compare(SAMPLE))
    assert "1.68 µJ" in text
    assert "1.26 – 2.75 µJ" in text
    assert "refused" in text
    assert "98.06 %" in text


def test_validate_counts_mismatches() -> None:
    text = printed(terminal.validate(result.pair for result in SAMPLE.results))
    assert "3 mismatches in 12 pairs" in text
    assert "first difference at" in text


def test_explain_ends_with_the_sum() -> None:
    report = SAMPLE.results[0].report
    assert report is not None
    node = "bit_conv2d3"
    text = printed(terminal.explain(report, node))
    assert f"{node} on truenorth" in text
    assert "sum" in text
    assert "26 pJ" in text
    assert "Merolla" in text


def test_target_shows_every_constant() -> None:
    found: dict[str, Sourced] = dict(SAMPLE.chips["cortex_m4"])
    text = printed(terminal.target("cortex_m4", found))
    assert all(path in text for path in found)
    assert "fitted" in text


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    table = terminal.validate(result.pair for result in SAMPLE.results)
    shown = []
    for value in ("", "1"):
        monkeypatch.setenv("NO_COLOR", value)
        out = io.StringIO()
        Console(file=out, force_terminal=True, color_system="standard", width=120).print(table)
        shown.append(out.getvalue())
    assert "\x1b[32m" in shown[0]
    assert "\x1b[32m" not in shown[1]

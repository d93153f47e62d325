"""Tables on the terminal: no markup, no control characters, no colour where none is wanted."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from hwmodels.sourced import Sourced
from reports import terminal
from tests.reports.sample import comparison

SAMPLE = comparison(4, 3)
PLAIN = comparison(8, 3, hostile=False)


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


def at_width(columns: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=columns, highlight=False, markup=False, emoji=False).print(terminal.compare(PLAIN))
    return out.getvalue().splitlines()


def test_compare_takes_one_line_per_pair_at_120_columns() -> None:
    lines = at_width(120)
    for target in PLAIN.targets:
        shown = [
            line for line in lines if f" {target} " in line and ("equal" in line or "refused" in line or "mismatch" in line)
        ]
        assert len(shown) == sum(result.target == target for result in PLAIN.results)
    assert sum(PLAIN.models[0].name in line and "98" not in line for line in lines) <= 2  # its group, and a refusal
    assert any(line.startswith("+: the true energy is higher") for line in lines)


def test_compare_on_a_narrow_terminal_leaves_out_columns_and_says_so() -> None:
    lines = at_width(80)
    assert max(map(len, lines)) <= 80
    assert any("Too narrow for memory" in line for line in lines)
    assert not any("Too narrow" in line for line in at_width(160))


def test_compare_groups_networks_by_data_set() -> None:
    models = tuple(replace(model, dataset="a" if k < 5 else "b") for k, model in enumerate(PLAIN.models))
    text = printed(terminal.compare(replace(PLAIN, models=models)))
    assert "Accuracies of different data sets do not compare" in text
    assert (
        text.index("a: 5 networks") < text.index(models[0].name) < text.index("b: 3 networks") < text.index(models[7].name)
    )
    assert "do not compare" not in printed(terminal.compare(PLAIN))


def test_compare_says_on_how_many_images_it_ran() -> None:
    assert "Executed on 360 of the 10 000 test images of digits." in printed(terminal.compare(PLAIN))


def test_compare_gives_every_refusal_its_reason_once() -> None:
    text = " ".join(" ".join(at_width(120)).split())
    assert "refused, 2 reasons" in text
    assert text.count("288 inputs per neuron, the crossbar has 256") == 1


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

"""The page: offline, escaped, stable, complete, and every plotted value in a table."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from analyses.memory import layout, timeline
from analyses.results import Comparison, TargetInfo
from reports.figures import TEMPLATE, label
from reports.packs import unpack
from reports.page import json_script, render
from tests.reports.reader import Page, read
from tests.reports.sample import HOSTILE, comparison

SECTIONS = [
    "glance", "methods", "pairs", "tradeoff", "energy", "sensitivity", "memory", "cores", "events", "mapping", "work",
    "validation", "accuracy", "omissions", "provenance", "glossary",
]  # fmt: skip


def sections(page: Page) -> list[str]:
    return [given["id"] for tag, given in page.tags if tag == "section"]


def test_sections_stand_in_order_and_the_navigation_reaches_them(page: Page) -> None:
    assert sections(page) == SECTIONS
    assert [given["href"] for tag, given in page.tags if tag == "a"][1:17] == [f"#{name}" for name in SECTIONS]


def test_ids_are_unique_and_every_local_link_has_its_target(page: Page) -> None:
    ids = [given["id"] for _, given in page.tags if "id" in given]
    assert len(ids) == len(set(ids))
    links = [given["href"] for tag, given in page.tags if tag == "a"]
    assert links
    assert all(link.startswith("#") and link[1:] in ids for link in links)


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    for tag, given in page.tags:
        assert tag not in ("iframe", "object", "embed", "link", "base", "img", "image", "use", "audio", "video")
        assert "src" not in given
        assert "http" not in given.get("href", "")
        assert not any(name.startswith("on") for name in given), (tag, given)
    style = "".join(text for given, text in page.scripts if given["tag"] == "style")
    assert "url(" not in style
    assert "@import" not in style


def test_policy_allows_these_two_scripts_and_no_connection(page: Page) -> None:
    policy = next(given["content"] for _, given in page.tags if given.get("http-equiv") == "Content-Security-Policy")
    own = [text for given, text in page.scripts if given["tag"] == "script" and "type" not in given]
    scripts = [*own, unpack(page.text("plotly-pack"))]
    assert len(scripts) == 2
    assert policy.count("sha256-") == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    directive = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
    assert "unsafe" not in directive
    assert "http" not in policy


def test_plotly_stands_in_the_page_once_and_cannot_send_anything(html: str, page: Page) -> None:
    assert unpack(page.text("plotly-pack")) == get_plotlyjs()
    assert len(get_plotlyjs()) > 2 * len(page.text("plotly-pack"))
    assert get_plotlyjs()[:1000] not in html
    own = [text for given, text in page.scripts if given["tag"] == "script"][-1]
    assert "displaylogo: false" in own
    assert "showSendToCloud: false" in own
    kinds = {trace["type"] for figure in page.figures.values() for trace in figure["data"]}
    assert kinds <= {"bar", "scatter", "heatmap"}


def test_hostile_names_stay_text(html: str, page: Page) -> None:
    markup = html + "".join(json.dumps(part, ensure_ascii=False) for part in page.parts())
    for name in HOSTILE:
        if "<" in name:
            assert name not in markup
    assert sum(tag == "script" for tag, _ in page.tags) == 5  # three of data, Plotly packed, our own
    for character in ("\u202e", "\x00", "\x1b"):
        assert character not in markup
    shown = " ".join(page.words)
    assert "<script>alert(1)</script>" in shown
    assert "layer\\u202egnp.exe" in shown
    assert "{{7*7}} %{x} $x$" in shown


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    return [text for item in value for text in strings(item)] if isinstance(value, list) else []


def test_plotted_names_carry_no_markup_of_their_own(page: Page) -> None:
    """Only our own <b>, </b>, <br> and <extra></extra> reach Plotly; names come with entities."""
    for text in strings(page.figures):
        rest = re.sub(r"</?b>|<br>|<extra></extra>", "", text)
        assert "<" not in rest, text
        assert "$" not in rest, text
    templates = {text for text in strings(page.figures) if "%{" in text and "<extra>" in text}
    assert not any("7*7" in text for text in templates)
    assert label("<a href='x'>l</a>") == "&lt;a href='x'&gt;l&lt;/a&gt;"


def test_json_cannot_leave_its_script() -> None:
    made = json_script({"a": "</script><!--\u2028&"})
    assert not set("<>&\u2028") & set(made)


def test_figures_are_what_plotly_accepts_and_share_one_template(page: Page) -> None:
    for name, spec in page.figures.items():
        go.Figure(spec)  # raises for an unknown property or a wrong value
        assert "template" not in spec["layout"], name
    go.layout.Template(page.data("figure-data")["template"])
    assert page.data("figure-data")["template"] == TEMPLATE
    boxes = {given["id"] for _, given in page.tags if given.get("class") == "figure"}
    assert boxes == set(page.figures)


@pytest.mark.parametrize("kind", ["energy", "sensitivity", "tradeoff", "accuracy", "cores", "events"])
def test_every_plotted_value_stands_in_the_table_of_its_figure(page: Page, kind: str) -> None:
    found = {name: spec for name, spec in page.figures.items() if name.startswith(f"fig-{kind}")}
    assert found
    for name, spec in found.items():
        table = name.removeprefix("fig-").replace(kind, f"{kind}-table", 1)
        numbers = page.numbers(table) | {0.0}
        plotted = [value for trace in spec["data"] for value in _values(kind, trace)]
        assert plotted
        assert all(_near(value, numbers) for value in plotted), name


def _near(value: float, numbers: set[float]) -> bool:
    """Equal; where the figure holds differences of table values, equal up to the rounding of one addition."""
    return value in numbers or any(abs(value - number) <= 1e-12 * abs(number) for number in numbers)


def _values(kind: str, trace: dict[str, Any]) -> list[float]:
    """The values a trace shows to a reader."""
    if trace.get("hoverinfo") == "skip":
        return []
    if kind == "cores":
        return [v for row in trace["z"] for v in row if v is not None] if trace["name"] != "layer" else []
    if kind == "sensitivity":
        return [trace["base"] + x for x in trace["x"]]
    if kind == "events":
        return [*trace["base"], *(b + x for b, x in zip(trace["base"], trace["x"], strict=True))]
    values = [x for x in trace["x"] if x is not None]
    if kind == "tradeoff" and "error_x" in trace:
        low, high = trace["error_x"]["arrayminus"], trace["error_x"]["array"]
        values += [*trace["y"], *(x - d for x, d in zip(trace["x"], low, strict=True))]
        values += [x + d for x, d in zip(trace["x"], high, strict=True)]
    return values


def test_memory_boxes_are_the_spans_and_the_line_their_sum(page: Page) -> None:
    sample = comparison(8, 3)
    for index, result in enumerate(sample.results):
        if not result.spans:
            continue
        boxes, line = page.figures[f"fig-memory-p{index}-0"]["data"]
        table = layout(result.spans, "sram")
        assert boxes["base"] == table.numbers("address")
        assert boxes["y"] == table.numbers("size_bytes")
        ends = [(x - w / 2 + 0.5, x + w / 2 - 0.5) for x, w in zip(boxes["x"], boxes["width"], strict=True)]
        assert ends == list(zip(table.numbers("first"), table.numbers("last"), strict=True))
        assert line["y"] == timeline(result.steps, result.spans, "sram").numbers("live_bytes")
        assert set(line["y"]) <= page.numbers(f"memory-live-p{index}-0")
        assert set(boxes["y"]) <= page.numbers(f"memory-table-p{index}-0")


def test_headline_table_has_every_pair_with_its_reasons(page: Page) -> None:
    sample = comparison(8, 3)
    rows = page.tables["headline-table"]
    assert len(rows) == 1 + len(sample.results)
    energies = {r.report.total.energy_j for r in sample.results if r.report}
    assert energies <= page.numbers("headline-table")
    shown = " ".join(page.words)
    for result in sample.results:
        for reason in result.pair.reasons:
            assert reason in shown


def test_a_refusal_is_folded_under_its_count_and_first_reason(page: Page) -> None:
    refused = [result for result in comparison(8, 3).results if result.fits is False]
    rows = [row for row in page.tables["headline-table"][1:] if "refused" in str(row[-1]) or row[-1] == 2.0]
    assert len(rows) == len(refused)
    assert all(len(row) == 4 for row in rows)  # model, target, accuracy, and one cell over the rest
    shown = " ".join(page.words)
    assert shown.count("2 reasons: 288 inputs per neuron, the crossbar has 256") == len(refused)


def test_marks_stand_for_what_energies_leave_out(html: str) -> None:
    priced = [result for result in comparison(8, 3).results if result.report is not None]
    assert html.count('<sup class="mark" title="without host">a</sup>') == 3 * len(priced)  # matrix, methods and table
    assert html.count("<sup>a</sup> without host.") == 3


def test_family_and_description_of_a_target_are_in_the_matrix() -> None:
    about = (TargetInfo("truenorth", "neuro<b>", "One chip at 0.8 V; 1 ms tick"),)
    html = render(replace(comparison(1, 2), about=about))
    assert "neuro&lt;b&gt;" in html
    assert "One chip at 0.8 V</bdi>" in html
    assert 'title="One chip at 0.8 V; 1 ms tick"' in html


def test_summary_stands_first_in_the_page(page: Page) -> None:
    words = [word.strip() for word in page.words]
    lowest = next(place for place, word in enumerate(words) if word.startswith("Lowest energy: "))
    assert lowest < words.index("equal to the reference")


def test_the_glossary_explains_what_outsiders_ask(page: Page) -> None:
    shown = " ".join(page.words[page.words.index("Glossary", page.words.index("Provenance")) :])
    for word in ("axon", "crossbar", "popcount", "synaptic operation", "DPA", "arena", "deployed", "equal", "refused",
                 "not modelled", "range"):  # fmt: skip
        assert word in shown


def test_every_constant_stands_with_its_source(page: Page) -> None:
    for index, (_, found) in enumerate(comparison(8, 3).chips.items()):
        rows = page.tables[f"constants-{index}"][1:]
        assert [(row[0], row[-1]) for row in rows] == [(path, constant.source) for path, constant in found]
        assert [row[1] for row in rows] == [constant.value for _, constant in found]


def test_what_is_not_modelled_is_said(page: Page) -> None:
    text = " ".join(str(cell) for row in page.tables["omissions-table"] for cell in row)
    assert "input transfer (host.link)" in text
    assert "Input coding by the host is not modelled." in text


def test_an_energy_that_is_not_modelled_is_never_shown_as_zero() -> None:
    sample = comparison(1, 1, hostile=False)
    result = sample.results[0]
    assert result.report is not None
    rows = tuple(replace(row, unit=None) for row in result.report.rows)
    bare = replace(sample, results=(replace(result, report=replace(result.report, rows=rows)),))
    made = read(render(bare))
    shown = " ".join(made.words)
    assert "energy not modelled" in shown
    assert "0 J" not in shown
    assert not [name for name in made.figures if name.startswith(("fig-energy", "fig-sensitivity", "fig-tradeoff"))]


def test_bytes_are_stable_but_for_the_date(html: str) -> None:
    assert render(comparison(8, 3)) == html
    other = render(comparison(8, 3, date="2030-12-24"))
    assert other != html
    assert other.replace("2030-12-24", "2025-01-31") == html


def test_round_trip_through_json_gives_the_same_page(html: str) -> None:
    assert render(Comparison.from_dict(comparison(8, 3).to_dict())) == html


def test_size_and_time_for_ten_models_on_six_targets() -> None:
    sample = comparison(10, 6)
    start = time.process_time()
    made = render(sample)
    assert time.process_time() - start < 3
    assert len(made.encode()) < 4e6


def test_empty_refused_and_unmeasured_comparisons_render() -> None:
    sample = comparison(2, 3, hostile=False)
    empty = Comparison((), (), {}, "", {}, "")
    assert sections(read(render(empty))) == ["glance", "pairs", "validation", "provenance", "glossary"]
    refused = replace(sample, results=tuple(r for r in comparison(8, 3, hostile=False).results if r.fits is False)[:1])
    refused = replace(refused, models=comparison(8, 3, hostile=False).models)
    assert "tradeoff" not in sections(read(render(refused)))
    unknown = replace(sample, models=tuple(replace(m, accuracy_torch=None, accuracy_float=None, accuracy_deployed=None,
                                                   work=None) for m in sample.models))  # fmt: skip
    made = sections(read(render(unknown)))
    assert "accuracy" not in made
    assert "energy" in made


def test_a_large_comparison_is_said_in_fewer_words_and_boxes() -> None:
    made = render(comparison(24, 3, hostile=False))
    assert 'class="matrix compact"' in made
    assert 'class="scroll long"' in made
    figure = read(made).figures["fig-tradeoff"]
    assert "legend2" not in figure["layout"]
    assert len([trace for trace in figure["data"] if trace["mode"] == "markers"]) == 2 * 3  # a series and a key per target


def test_data_sets_are_kept_apart() -> None:
    sample = comparison(8, 3, hostile=False)
    models = tuple(replace(model, dataset="a" if k < 5 else "b") for k, model in enumerate(sample.models))
    page = read(render(replace(sample, models=models)))
    assert len(page.tables["glance-matrix"]) == 1 + 5
    assert len(page.tables["glance-matrix-1"]) == 1 + 3
    assert "data" in page.tables["headline-table"][0]
    for name in ("fig-tradeoff", "fig-methods"):
        groups = {trace["meta"]: trace["visible"] for trace in page.figures[name]["data"] if "meta" in trace}
        assert groups == {"0": True, "1": False}


def test_the_whole_field_stays_below_ten_megabytes() -> None:
    """55 networks on 8 targets, as large as the zoo's: what is shown at first is a small part, the rest is packed."""
    made = render(comparison(55, 8, hostile=False))
    assert len(made.encode()) < 10e6
    shown = re.sub(r"<script.*?</script>", "", made, flags=re.DOTALL)
    assert len(shown.encode()) < 2e6

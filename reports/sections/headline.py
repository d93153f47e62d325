"""Every pair in one sortable table, with the energy ranges on one logarithmic scale."""

from __future__ import annotations

import math

from markupsafe import Markup

from analyses.field import datasets
from analyses.refusals import phrase
from analyses.results import PairResult
from analyses.table import Cell, number
from neurobin.units import format_si
from reports.html import around, badge, breakable, bullets, frame, join, text
from reports.sections.glance import valid_badge
from reports.view import Section, View

LONG = 60  # rows from which the table scrolls in a box of its own

_HEADS = (
    ("model", "model", False),
    ("target", "target", False),
    ("dataset", "data", False),
    ("accuracy", "accuracy", True),
    ("fits", "fits", False),
    ("valid", "valid", False),
    ("energy_j", "energy", True),
    ("energy_range", "range (log)", False),
    ("energy_low_j", "low", True),
    ("energy_high_j", "high", True),
    ("latency_s", "latency", True),
    ("memory", "memory, cores", True),
)
_REST = sum(name not in ("model", "target", "dataset", "accuracy") for name, *_ in _HEADS)


def render(view: View) -> Section:
    scale = _scale(view)
    mixed = len(datasets(view.comparison)) > 1
    rows = join(
        _row(view, row, result, scale, mixed) for row, result in zip(view.headline, view.comparison.results, strict=True)
    )
    heads = join(
        Markup('<th scope="col" class="{}" data-name="{}">{}</th>').format("num" if numeric else "txt", name, label)
        for name, label, numeric in _HEADS
        if mixed or name != "dataset"
    )
    body = frame("headline-table", "data sortable", heads, rows, scroll=len(view.headline) > LONG)
    note = Markup('<p class="note">{}</p>').format(view.headline.note)
    lead = "Every network on every target. Choose a column head to sort; a refused pair unfolds all its reasons."
    lead += " Accuracies compare within one data set only." if mixed else ""
    return Section("pairs", "All pairs", lead, body + note + view.marks_explained())


def _scale(view: View) -> tuple[float, float] | None:
    values = [float(cell) for name in ("energy_low_j", "energy_high_j") for cell in view.headline.column(name) if cell]
    if not values:
        return None
    low, high = math.log10(min(values)), math.log10(max(values))
    return (low, max(high, low + 0.1))


def _row(view: View, row: dict[str, Cell], result: PairResult, scale: tuple[float, float] | None, mixed: bool) -> Markup:
    cells = [
        _name(row["model"]),
        _name(row["target"], view.comparison.target(result.target).description),
        *([Markup("<td>{}</td>").format(text(str(row["dataset"] or "–")))] if mixed else []),
        _number(row["accuracy"], "share"),
    ]
    if result.fits is False:
        cells.append(_refusal(result.pair.reasons))
    else:
        cells += [
            *_status(result),
            _energy(view, row),
            _range(row, scale),
            _number(row["energy_low_j"], "J"),
            _number(row["energy_high_j"], "J"),
            _latency(row),
            _memory(row),
        ]
    return Markup("<tr>{}</tr>").format(join(cells))


def _refusal(reasons: tuple[str, ...]) -> Markup:
    """One cell over the rest of the row: the first reason, and all of them behind a fold."""
    sign = badge("bad", "refused")
    if len(reasons) < 2:
        inner = Markup("{} <span>{}</span>").format(sign, text("".join(reasons)))
    else:
        inner = Markup("<details><summary>{} {}: {}</summary>{}</details>").format(
            sign, f"{len(reasons)} reasons", text(phrase(reasons[0])), bullets(reasons)
        )
    return Markup('<td data-v="2" class="left why" colspan="{}">{}</td>').format(_REST, inner)


def _status(result: PairResult) -> tuple[Markup, Markup]:
    """The cells fits and valid; a mismatch has its reasons."""
    reasons = "; ".join(result.pair.reasons)
    said = Markup('<p class="why">{}</p>').format(text(reasons)) if reasons else Markup("")
    fits = Markup('<td data-v="{}" class="left">{}</td>').format(0 if result.fits else 1, _fits(result))
    order = {True: 0, None: 1, False: 2}[result.valid]
    return fits, Markup('<td data-v="{}" class="left">{}{}</td>').format(order, valid_badge(result), said)


def _fits(result: PairResult) -> Markup:
    return badge("ok", "fits") if result.fits else badge("none", "not tried")


def _name(value: Cell, title: str = "") -> Markup:
    hint = Markup(' title="{}"').format(text(title)) if title else Markup("")
    return Markup('<td class="name"{}>{}</td>').format(hint, breakable(str(value)))


def _number(value: Cell, unit: str) -> Markup:
    if not isinstance(value, int | float):
        return Markup('<td class="num none">–</td>')
    return Markup('<td data-v="{}">{}</td>').format(repr(value), number(value, unit))


def _energy(view: View, row: dict[str, Cell]) -> Markup:
    if not isinstance(row["energy_j"], float):
        return Markup('<td class="num none">not modelled</td>')
    return Markup('<td data-v="{}"><strong>{}</strong>{}</td>').format(
        repr(row["energy_j"]), number(row["energy_j"], "J"), view.mark(str(row["energy_without"] or ""))
    )


def _latency(row: dict[str, Cell]) -> Markup:
    value, low, high = row["latency_s"], row["latency_low_s"], row["latency_high_s"]
    if not (isinstance(value, float | int) and isinstance(low, float | int) and isinstance(high, float | int)):
        return Markup('<td class="num none">–</td>')
    return Markup('<td data-v="{}">{}{}</td>').format(repr(value), format_si(value, "s"), around(low, high, "s"))


def _memory(row: dict[str, Cell]) -> Markup:
    used, capacity, unit = row["memory"], row["memory_capacity"], str(row["memory_unit"] or "")
    if not isinstance(used, int | float) or not isinstance(capacity, int | float):
        return Markup('<td class="num none">–</td>')
    return Markup('<td data-v="{}">{} <small class="range">of {}, {}</small></td>').format(
        repr(used), text(number(used, unit)), text(number(capacity, unit)), text(str(row["memory_name"]))
    )


def _range(row: dict[str, Cell], scale: tuple[float, float] | None) -> Markup:
    values = [row[name] for name in ("energy_low_j", "energy_j", "energy_high_j")]
    if scale is None or not all(isinstance(v, int | float) and v > 0 for v in values):
        return Markup("<td></td>")
    left, dot, right = (100 * (math.log10(float(str(v))) - scale[0]) / (scale[1] - scale[0]) for v in values)
    return Markup(
        '<td class="whisker" data-v="{}"><span aria-hidden="true">'
        '<i style="left:{}%;width:{}%"></i><b style="left:{}%"></b></span></td>'
    ).format(repr(values[1]), f"{left:.2f}", f"{max(right - left, 0.5):.2f}", f"{dot:.2f}")

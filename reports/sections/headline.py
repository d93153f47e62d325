"""Every pair in one sortable table, with the energy ranges on one logarithmic scale."""

from __future__ import annotations

import math

from markupsafe import Markup

from analyses.results import PairResult
from analyses.table import Cell, number
from neurobin.units import format_si
from reports.html import badge, frame, join, text
from reports.sections.glance import valid_badge
from reports.view import Section, View

_HEADS = (
    ("model", "model", False),
    ("method", "method", False),
    ("target", "target", False),
    ("fits", "fits", False),
    ("valid", "valid", False),
    ("accuracy", "accuracy", True),
    ("energy_j", "energy", True),
    ("energy_range", "range, log scale", False),
    ("latency_s", "latency", True),
    ("memory", "memory or cores", True),
    ("accuracy_torch", "accuracy, torch", True),
    ("energy_low_j", "energy, low", True),
    ("energy_high_j", "energy, high", True),
)


def render(view: View) -> Section:
    scale = _scale(view)
    rows = join(_row(row, result, scale) for row, result in zip(view.headline, view.comparison.results, strict=True))
    heads = join(
        Markup('<th scope="col" class="{}" data-name="{}">{}</th>').format("num" if numeric else "txt", name, label)
        for name, label, numeric in _HEADS
    )
    body = frame("headline-table", "data sortable", heads, rows)
    note = Markup('<p class="note">{}</p>').format(view.headline.note)
    lead = "All pairs. Choose a column head to sort; refused pairs keep their reasons."
    return Section("pairs", "All pairs", lead, body + note)


def _scale(view: View) -> tuple[float, float] | None:
    values = [float(cell) for name in ("energy_low_j", "energy_high_j") for cell in view.headline.column(name) if cell]
    if not values:
        return None
    low, high = math.log10(min(values)), math.log10(max(values))
    return (low, max(high, low + 0.1))


def _row(row: dict[str, Cell], result: PairResult, scale: tuple[float, float] | None) -> Markup:
    cells = [
        _name(row["model"]),
        Markup("<td>{}</td>").format(text(str(row["method"]))),
        _name(row["target"]),
        _status(row, result),
        _number(row["accuracy"], "share"),
        _energy(row),
        _range(row, scale),
        _latency(row),
        _memory(row),
        _number(row["accuracy_torch"], "share"),
        _number(row["energy_low_j"], "J"),
        _number(row["energy_high_j"], "J"),
    ]
    return Markup("<tr>{}</tr>").format(join(cells))


def _status(row: dict[str, Cell], result: PairResult) -> Markup:
    """The cells fits and valid; a refusal has its reasons across both."""
    reasons = str(row["reasons"] or "")
    why = Markup('<p class="why">{}</p>').format(text(reasons)) if reasons else Markup("")
    if result.fits is False:
        return Markup('<td data-v="2" class="left" colspan="2">{}{}</td>').format(badge("bad", "refused", reasons), why)
    fits = Markup('<td data-v="{}" class="left">{}</td>').format(0 if result.fits else 1, _fits(result))
    order = {True: 0, None: 1, False: 2}[result.valid]
    return fits + Markup('<td data-v="{}" class="left">{}{}</td>').format(order, valid_badge(result), why)


def _fits(result: PairResult) -> Markup:
    return badge("ok", "fits") if result.fits else badge("none", "not tried")


def _name(value: Cell) -> Markup:
    return Markup('<td class="name">{}</td>').format(text(str(value)))


def _number(value: Cell, unit: str) -> Markup:
    if not isinstance(value, int | float):
        return Markup('<td class="num none">–</td>')
    return Markup('<td data-v="{}">{}</td>').format(repr(value), number(value, unit))


def _energy(row: dict[str, Cell]) -> Markup:
    if not isinstance(row["energy_j"], float):
        return Markup('<td class="num none">{}</td>').format("–" if row["fits"] is False else "not modelled")
    without = f"without {row['energy_without']}" if row["energy_without"] else ""
    return Markup('<td data-v="{}"><strong>{}</strong> <small class="range">{}</small></td>').format(
        repr(row["energy_j"]), number(row["energy_j"], "J"), without
    )


def _latency(row: dict[str, Cell]) -> Markup:
    value, low, high = row["latency_s"], row["latency_low_s"], row["latency_high_s"]
    if not (isinstance(value, float | int) and isinstance(low, float | int) and isinstance(high, float | int)):
        return Markup('<td class="num none">–</td>')
    around = "" if low == high else f"{format_si(low, 's')} – {format_si(high, 's')}"
    return Markup('<td data-v="{}">{} <small class="range">{}</small></td>').format(
        repr(value), format_si(value, "s"), around
    )


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

"""Accuracy against energy: a point per pair with its range, and the front that no other pair beats."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from analyses.energy import without
from analyses.pareto import Point, front, pareto, points
from analyses.results import PairResult
from analyses.table import number
from neurobin.ir import Json
from neurobin.units import format_si
from reports.figures import MANY, SYMBOLS, Figure, full, label, log_ticks, switch
from reports.html import details, table_html, text
from reports.view import Section, View


def render(view: View) -> Section | None:
    found = points(view.comparison)
    if not found:
        return None
    targets = list(dict.fromkeys(point.target for point in found))
    models = list(dict.fromkeys(point.model for point in found))
    best = front(found)
    traces: list[Json] = [_front_line(best)]
    traces += [_model(view, name, k, [p for p in found if p.model == name], targets) for k, name in enumerate(models)]
    traces += [_entry(name, k) for k, name in enumerate(models)] + [_key(name, k) for k, name in enumerate(targets)]
    figure_id = "fig-tradeoff"
    says = f"Accuracy against energy per inference of {len(found)} pairs; {len(best)} of them are on the front."
    tools = switch(figure_id, "ranges", (("on", "with ranges"), ("off", "without ranges")))
    figure = Figure(figure_id, says, traces, _layout(found, len(models), len(targets)), 600, "tradeoff-table", tools)
    table = table_html(pareto(view.comparison), "tradeoff-table")
    lead = (
        "Up and to the left is better. Colour: network; sign: target. Whiskers: all constants at their low, all at their "
        "high. Filled: validated integer for integer; hollow: not. The line joins, within a data set, the pairs that no "
        "other one beats in both."
    )
    body = figure.html() + details(f"Values of all {len(found)} points", table, opened=len(found) <= 12)
    named = ", ".join(f"{p.model} on {p.target}" for p in best)
    note = Markup('<p class="note">{}<bdi>{}</bdi>. {}</p>').format("On the front, cheapest first: ", text(named), _HINT)
    return Section("tradeoff", "Accuracy and energy", lead, Markup(body) + note, (figure,))


_HINT = "Choose a network in the legend to hide it, twice to see it alone."


def _layout(found: tuple[Point, ...], models: int, targets: int) -> dict[str, Json]:
    low = min(p.energy_low_j or p.energy_j for p in found)
    high = max(p.energy_high_j for p in found)
    axis: dict[str, Json] = {"title": {"text": "energy per inference (logarithmic)"}, "type": "log"}
    below: Json = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "itemclick": False,
                   "itemdoubleclick": False, "title": {"text": "target ", "font": {"size": 13}}}  # fmt: skip
    return {
        "xaxis": axis | (log_ticks(low, high, "J") if low > 0 else {}),
        "yaxis": {"title": {"text": "accuracy, deployed"}, "tickformat": ".1%"},
        "legend": {"title": {"text": "network ", "font": {"size": 13}}},
        "margin": {"b": 110},
        "legend2": below,
    }


def _front_line(best: tuple[Point, ...]) -> Json:
    """One line per data set, in one trace: a gap between two parts is a point without coordinates."""
    x: list[Json] = []
    y: list[Json] = []
    for _, part in groupby(best, key=lambda p: p.dataset):
        for p in part:
            x.append(p.energy_j)
            y.append(p.accuracy)
        x.append(None)
        y.append(None)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "front",
        "x": x,
        "y": y,
        "line": {"shape": "hv", "dash": "dot", "width": 1.5, "color": "#8A8F98"},
        "hoverinfo": "skip",
    }


def _model(view: View, name: str, index: int, found: list[Point], targets: list[str]) -> Json:
    results = {(r.model, r.target): r for r in view.comparison.results}
    symbols = [SYMBOLS[targets.index(p.target) % len(SYMBOLS)] for p in found]
    colour = MANY[index % len(MANY)]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name),
        "legendgroup": str(index),
        "showlegend": False,
        "x": [p.energy_j for p in found],
        "y": [p.accuracy for p in found],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [p.energy_high_j - p.energy_j for p in found],
            "arrayminus": [p.energy_j - p.energy_low_j for p in found],
            "thickness": 1,
            "width": 3,
            "color": f"{colour}66",
        },
        "marker": {
            "size": 11,
            "color": colour,
            "symbol": [s if results[p.model, p.target].valid else f"{s}-open" for s, p in zip(symbols, found, strict=True)],
        },
        "customdata": [_hover(p, results[p.model, p.target]) for p in found],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _entry(name: str, index: int) -> Json:
    """A legend entry that says which colour is which network, and hides its points when chosen."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name, 24),
        "x": [None],
        "y": [None],
        "legendgroup": str(index),
        "marker": {"symbol": "circle", "size": 9, "color": MANY[index % len(MANY)]},
    }


def _key(name: str, index: int) -> Json:
    """A legend entry that says which sign is which target."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name, 24),
        "x": [None],
        "y": [None],
        "legend": "legend2",
        "marker": {"symbol": SYMBOLS[index % len(SYMBOLS)], "size": 9, "color": "#8A8F98"},
    }


def _hover(p: Point, result: PairResult) -> str:
    around = f"{format_si(p.energy_low_j, 'J')} – {format_si(p.energy_high_j, 'J')}"
    lines = [f"<b>{full(p.model)}</b> on {full(p.target)}", f"{format_si(p.energy_j, 'J')} ({around})"]
    if result.report is not None:
        if said := without(result.report):
            lines.append(f"without {said}")
        lines.append(f"{number(p.accuracy, 'share')}, {format_si(result.report.latency_s, 's')}")
    return "<br>".join(lines)

"""Accuracy against energy: a point per pair with its range, and the front that no other pair beats."""

from __future__ import annotations

from markupsafe import Markup

from analyses.pareto import Point, front, pareto, points
from analyses.table import number
from neurobin.ir import Json
from neurobin.units import format_si
from reports.figures import SERIES, SYMBOLS, Figure, energy_axis, full, label
from reports.html import details, table_html
from reports.view import Section, View


def render(view: View) -> Section | None:
    found = points(view.comparison)
    if not found:
        return None
    targets = list(dict.fromkeys(point.target for point in found))
    models = list(dict.fromkeys(point.model for point in found))
    valid = {(result.model, result.target): result.valid is True for result in view.comparison.results}
    traces: list[Json] = [_front_line(front(found))]
    traces += [_target(name, k, [p for p in found if p.target == name], models, valid) for k, name in enumerate(targets)]
    traces += [_key(name, k) for k, name in enumerate(models)]
    layout: dict[str, Json] = {
        "xaxis": energy_axis("energy per inference (logarithmic)", "log") | {"dtick": 1},
        "yaxis": {"title": {"text": "accuracy, deployed"}, "tickformat": ".1%"},
        "legend2": {"orientation": "h", "x": 0, "y": -0.2, "xanchor": "left", "yanchor": "top", "itemclick": False,
                    "itemdoubleclick": False},
    }  # fmt: skip
    says = f"Accuracy against energy per inference of {len(found)} pairs; {len(front(found))} of them are on the front."
    figure = Figure("fig-tradeoff", says, traces, layout, 520, "tradeoff-table")
    table = table_html(pareto(view.comparison), "tradeoff-table")
    lead = (
        "Up and to the left is better. Whiskers: all constants at their low, all at their high. Filled: validated integer "
        "for integer; hollow: not. The line joins the pairs that no other one beats in both."
    )
    body = figure.html() + details(f"Values of all {len(found)} points", table, opened=len(found) <= 12)
    return Section("tradeoff", "Accuracy and energy", lead, Markup(body), (figure,))


def _front_line(best: tuple[Point, ...]) -> Json:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "front",
        "x": [p.energy_j for p in best],
        "y": [p.accuracy for p in best],
        "line": {"shape": "hv", "dash": "dot", "width": 1.5, "color": "#8A8F98"},
        "hoverinfo": "skip",
    }


def _target(name: str, index: int, found: list[Point], models: list[str], valid: dict[tuple[str, str], bool]) -> Json:
    symbols = [SYMBOLS[models.index(p.model) % len(SYMBOLS)] for p in found]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name),
        "x": [p.energy_j for p in found],
        "y": [p.accuracy for p in found],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [p.energy_high_j - p.energy_j for p in found],
            "arrayminus": [p.energy_j - p.energy_low_j for p in found],
            "thickness": 1,
            "width": 3,
            "color": f"{SERIES[index % len(SERIES)]}88",
        },
        "marker": {
            "size": 11,
            "color": SERIES[index % len(SERIES)],
            "symbol": [s if valid[p.model, p.target] else f"{s}-open" for s, p in zip(symbols, found, strict=True)],
        },
        "customdata": [_hover(p) for p in found],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _key(name: str, index: int) -> Json:
    """A legend entry that says which sign is which model."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name, 24),
        "x": [None],
        "y": [None],
        "legend": "legend2",
        "marker": {"symbol": SYMBOLS[index % len(SYMBOLS)], "size": 9, "color": "#8A8F98"},
    }


def _hover(p: Point) -> str:
    around = f"{format_si(p.energy_low_j, 'J')} – {format_si(p.energy_high_j, 'J')}"
    return (
        f"<b>{full(p.model)}</b> on {full(p.target)}<br>{format_si(p.energy_j, 'J')} ({around})<br>"
        f"{number(p.accuracy, 'share')}"
    )

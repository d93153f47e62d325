"""Accuracy against energy: a point per pair with its range, and the front that no other pair beats."""

from __future__ import annotations

from markupsafe import Markup

from analyses.energy import without
from analyses.field import datasets
from analyses.pareto import Point, front, pareto, points
from analyses.results import PairResult
from analyses.table import number
from neurobin.ir import Json
from neurobin.units import format_si
from reports.figures import MANY, SYMBOLS, Figure, full, label, log_ticks, share_axis, switch
from reports.html import details, table_html, text
from reports.view import Section, View


def render(view: View) -> Section | None:
    found = points(view.comparison)
    if not found:
        return None
    targets = list(dict.fromkeys(point.target for point in found))
    models = list(dict.fromkeys(point.model for point in found))
    best = front(found)
    shown = [name for name in datasets(view.comparison) if any(point.dataset == name for point in found)]
    many = len(models) > len(MANY)  # more than there are colours: then a colour is a target, and hovering names the network
    traces: list[Json] = []
    for group, dataset in enumerate(shown):
        here = [point for point in found if point.dataset == dataset]
        made = [_front_line([point for point in best if point.dataset == dataset])]
        for k, name in enumerate(targets if many else models):
            if mine := [p for p in here if (p.target if many else p.model) == name]:
                made.append(_series(view, k, mine, targets, ranged=not many))
        traces += [trace | {"meta": str(group), "visible": group == 0} for trace in made] if len(shown) > 1 else made
    if many:
        traces += [_entry(name, k, SYMBOLS[k % len(SYMBOLS)]) for k, name in enumerate(targets)]
    else:
        traces += [_entry(name, k) for k, name in enumerate(models)] + [_key(name, k) for k, name in enumerate(targets)]
    figure_id = "fig-tradeoff"
    says = f"Accuracy against energy per inference of {len(found)} pairs; {len(best)} of them are on the front."
    ranges = (("on", "with ranges"), ("off", "without ranges"))
    tools = switch(figure_id, "ranges", ranges[::-1] if many else ranges)
    if len(shown) > 1:
        groups = [(str(k), name or "data set not named") for k, name in enumerate(shown)]
        tools = switch(figure_id, "group", groups) + tools
    figure = Figure(figure_id, says, traces, _layout(found, many), 600, "tradeoff-table", tools)
    table = table_html(pareto(view.comparison), "tradeoff-table")
    lead = (
        f"Up and to the left is better. {'Colour and sign: target' if many else 'Colour: network; sign: target'}. Whiskers: "
        "all constants at their low, all at their high. Filled: validated integer for integer; hollow: not. The line joins, "
        "within a data set, the pairs that no other one beats in both."
    )
    lead += " One data set at a time: accuracies of different ones do not compare." if len(shown) > 1 else ""
    body = figure.html() + details(
        "Values" if len(found) == 1 else f"Values of all {len(found)} points", table, opened=len(found) <= 12
    )
    named = ", ".join(f"{p.model} on {p.target}" for p in best)
    hint = f"Choose a {'target' if many else 'network'} in the legend to hide it, twice to see it alone."
    note = Markup('<p class="note">{}<bdi>{}</bdi>. {}</p>').format("On the front, cheapest first: ", text(named), hint)
    return Section("tradeoff", "Accuracy and energy", lead, Markup(body) + note, (figure,))


def _layout(found: tuple[Point, ...], many: bool) -> dict[str, Json]:
    low = min(p.energy_low_j or p.energy_j for p in found)
    high = max(p.energy_high_j for p in found)
    axis: dict[str, Json] = {"title": {"text": "energy per inference (logarithmic)"}, "type": "log"}
    layout: dict[str, Json] = {
        "xaxis": axis | (log_ticks(low, high, "J") if low > 0 else {}),
        "yaxis": share_axis("accuracy, deployed"),
        "legend": {"title": {"text": "target " if many else "network ", "font": {"size": 13}}},
    }
    below: Json = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "itemclick": False,
                   "itemdoubleclick": False, "title": {"text": "target ", "font": {"size": 13}}}  # fmt: skip
    return layout if many else layout | {"margin": {"b": 110}, "legend2": below}


def _front_line(best: list[Point]) -> dict[str, Json]:
    """The front of one data set as steps."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "front",
        "x": [p.energy_j for p in best],
        "y": [p.accuracy for p in best],
        "line": {"shape": "hv", "dash": "dot", "width": 1.5, "color": "#8A8F98"},
        "hoverinfo": "skip",
    }


def _series(view: View, index: int, found: list[Point], targets: list[str], *, ranged: bool) -> dict[str, Json]:
    """The points of one network, or of one target, in one colour."""
    results = {(r.model, r.target): r for r in view.comparison.results}
    symbols = [SYMBOLS[targets.index(p.target) % len(SYMBOLS)] for p in found]
    colour = MANY[index % len(MANY)]
    return {
        "type": "scatter",
        "mode": "markers",
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
            "visible": ranged,
        },
        "marker": {
            "size": 11 if ranged else 9,
            "color": colour,
            "symbol": [s if results[p.model, p.target].valid else f"{s}-open" for s, p in zip(symbols, found, strict=True)],
        },
        "customdata": [_hover(p, results[p.model, p.target]) for p in found],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _entry(name: str, index: int, symbol: str = "circle") -> Json:
    """A legend entry that says which colour is which network or target, and hides its points when chosen."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name, 24),
        "x": [None],
        "y": [None],
        "legendgroup": str(index),
        "marker": {"symbol": symbol, "size": 9, "color": MANY[index % len(MANY)]},
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

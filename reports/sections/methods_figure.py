"""Accuracy against energy of all networks, a colour per hardware family, with every family's front named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10

from markupsafe import Markup

from analyses.pareto import Point, front
from analyses.table import number
from neurobin.ir import Json
from neurobin.units import format_si
from reports.figures import SERIES, SYMBOLS, Figure, full, label, log_ticks, share_axis, switch

HEIGHT = 520
ROOM = (0.12, 0.05)  # share of the width and the height that a name needs


def figure(families: Mapping[str, Sequence[Point]], datasets: Sequence[str]) -> Figure | None:
    """One data set is shown at a time; None where nothing has an accuracy and an energy above 0, which logarithms need."""
    everything = [point for found in families.values() for point in found if point.energy_j > 0]
    shown = [name for name in datasets if any(point.dataset == name for point in everything)]
    if not shown:
        return None
    traces: list[Json] = []
    lines: list[Json] = []  # drawn last, so that no point covers a name
    for group, dataset in enumerate(shown):
        here = {
            family: [point for point in found if point.dataset == dataset and point.energy_j > 0]
            for family, found in families.items()
        }
        named = _named(here)
        for index, (family, found) in enumerate(here.items()):
            if found:
                points, line = _family(family, index, found, group, named)
                traces, lines = [*traces, points], [*lines, line]
    energies = [point.energy_j for point in everything]
    axis: dict[str, Json] = {"title": {"text": "energy per inference (logarithmic)"}, "type": "log"}
    layout: dict[str, Json] = {
        "xaxis": axis | log_ticks(min(energies), max(energies), "J"),
        "yaxis": share_axis("accuracy, deployed"),
    }
    options = [(str(k), name or "data set not named") for k, name in enumerate(shown)]
    tools = switch("fig-methods", "group", options) if len(options) > 1 else Markup("")
    says = f"Accuracy against energy of {len(everything)} pairs, one chip per family, with the front of each family."
    return Figure("fig-methods", says, traces + lines, layout, HEIGHT, "methods-table-0", tools)


def _family(family: str, index: int, found: list[Point], group: int, named: set[Point]) -> tuple[Json, Json]:
    """The points, and over them the front with the names of its networks."""
    colour, symbol = SERIES[index % len(SERIES)], SYMBOLS[index % len(SYMBOLS)]
    best = front(found)
    name = f"{label(family, 16)} ({label(found[0].target, 24)})"
    points: Json = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "legendgroup": str(index),
        "meta": str(group),
        "visible": group == 0,
        "x": [p.energy_j for p in found],
        "y": [p.accuracy for p in found],
        "marker": {"size": 9, "color": colour, "symbol": symbol, "opacity": 0.75},
        "customdata": [_hover(p) for p in found],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    line: Json = {
        "type": "scatter",
        "mode": "lines+text",
        "name": f"front, {label(family, 16)}",
        "legendgroup": str(index),
        "showlegend": False,
        "meta": str(group),
        "visible": group == 0,
        "x": [p.energy_j for p in best],
        "y": [p.accuracy for p in best],
        "text": [label(_short(p), 22) if p in named else "" for p in best],
        "textposition": "top left",  # up and left of a front there is nothing
        "textfont": {"size": 11},
        "line": {"shape": "hv", "dash": "dot", "width": 1.5, "color": colour},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
    return points, line


def _named(families: Mapping[str, Sequence[Point]]) -> set[Point]:
    """The points of the fronts that are named, from the most accurate down: none whose name would stand on another one."""
    everything = [point for found in families.values() for point in found]
    energies = [log10(point.energy_j) for point in everything]
    wide = max(energies) - min(energies) or 1.0
    tall = max(p.accuracy for p in everything) - min(p.accuracy for p in everything) or 1.0
    best = sorted(
        (p for found in families.values() for p in front(found)), key=lambda p: (-p.accuracy, p.energy_j, p.target)
    )
    named: list[Point] = []
    for p in best:
        beside = (abs(log10(q.energy_j / p.energy_j)) < ROOM[0] * wide for q in named if _level(p, q, ROOM[1] * tall))
        if not any(beside):
            named.append(p)
    return set(named)


def _level(p: Point, q: Point, room: float) -> bool:
    return abs(p.accuracy - q.accuracy) < room


def _short(point: Point) -> str:
    """The network's name without its data set, which stands over the figure."""
    return point.model.removesuffix(f"_{point.dataset}")


def _hover(p: Point) -> str:
    around = f"{format_si(p.energy_low_j, 'J')} – {format_si(p.energy_high_j, 'J')}"
    lines = (f"<b>{full(p.model)}</b> on {full(p.target)}", f"{format_si(p.energy_j, 'J')} ({around})")
    return "<br>".join((*lines, number(p.accuracy, "share")))

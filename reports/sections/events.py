"""Event timeline of the simulated inference: what every resource did and when, stalls in their own colour."""

from __future__ import annotations

from markupsafe import Markup

from analyses.results import PairResult
from analyses.table import Table
from analyses.utilisation import busiest, sample, utilisation
from hwmodels.trace import Trace
from neurobin.ir import Json
from neurobin.units import format_si
from reports.figures import STATE_COLOURS, Figure, label, named_axis
from reports.html import details, table_html, text
from reports.view import Part, Section, View

LANES = 16  # resources drawn per pair, the busiest
BARS, BARS_IN_PAGE = 400, 4000  # drawn and listed per pair and in all; the note says how they stand for all events


def render(view: View) -> Section | None:
    large = sum(result.trace is not None and len(result.trace.start) > 100 for result in view.pairs.values())
    limit = min(BARS, max(BARS_IN_PAGE // max(large, 1), 100))
    panels = view.panels(
        "events", lambda key, result: _panel(key, result, limit), "No event-driven run was recorded for this pair."
    )
    lead = "What each resource did during one simulated inference. A stall is work that could not go on; idle time is blank."
    return Section("events", "Event timeline", lead, panels=panels) if panels else None


def _panel(key: str, result: PairResult, limit: int) -> Part | None:
    trace = result.trace
    if trace is None or not len(trace.start):
        return None
    lanes = busiest(trace, LANES)
    taken = sample(trace, limit, lanes)
    figure = _figure(key, trace, lanes, taken.events)
    body = (
        figure.html()
        + Markup('<p class="note">{}</p>').format(text(taken.note))
        + table_html(utilisation(trace, lanes), f"events-use-{key}")
        + details(f"The {len(taken.events)} bars drawn", table_html(taken.events, f"events-table-{key}"))
    )
    return Part(body, (figure,))


def _figure(key: str, trace: Trace, lanes: tuple[str, ...], events: Table) -> Figure:
    place = {name: k for k, name in enumerate(lanes)}
    traces: list[Json] = []
    for state, colour in STATE_COLOURS.items():
        rows = [row for row in events if row["state"] == state]
        if not rows:
            continue
        starts = [int(str(row["start"])) for row in rows]
        lengths = [int(str(row["stop"])) - start for row, start in zip(rows, starts, strict=True)]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": state,
                "base": list(starts),
                "x": list(lengths),
                "y": [place[str(row["resource"])] for row in rows],
                "marker": {"color": colour, "line": {"width": 0}},
                "customdata": [label(str(row["node"])) for row in rows],
                # x is the end: Plotly adds the base to a bar's length
                "hovertemplate": f"<b>%{{customdata}}</b><br>{state}, period %{{base}} to %{{x}}<extra></extra>",
            }
        )
    layout: dict[str, Json] = {
        "barmode": "overlay",
        "bargap": 0.3,
        "xaxis": {"title": {"text": f"periods of {format_si(trace.period_s, 's')}"}, "range": [0, trace.periods],
                  "exponentformat": "SI"},
        "yaxis": named_axis(lanes),
    }  # fmt: skip
    says = f"Activity of {len(trace.resources)} resources over {trace.periods} periods ({format_si(trace.latency_s, 's')})."
    return Figure(f"fig-events-{key}", says, traces, layout, 130 + 44 * len(lanes), f"events-table-{key}")

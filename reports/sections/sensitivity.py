"""Which constant matters: the total energy as each constant goes through its range."""

from __future__ import annotations

from markupsafe import Markup

from analyses.results import PairResult
from analyses.sensitivity import tornado
from analyses.table import Table
from neurobin.ir import Json
from neurobin.units import format_si
from reports.figures import BLUE, ORANGE, Figure, energy_axis, named_axis
from reports.html import details, table_html, text
from reports.view import Part, Section, View

DRAWN = 12


def render(view: View) -> Section | None:
    panels = view.panels("sensitivity", _panel, "No energy was estimated.")
    lead = (
        "The total energy when one constant is at its low or high and all others stay. The widest bar is the one to measure."
    )
    return Section("sensitivity", "Sensitivity", lead, panels=panels) if panels else None


def _panel(key: str, result: PairResult) -> Part | None:
    if result.report is None:
        return None
    table = tornado(result.report)
    if not len(table):
        return None
    total = result.report.total.energy_j
    figure = _figure(key, table, total)
    fixed = sum(value == 0 for value in table.column("swing_j"))
    note = f"{fixed} of {len(table)} constants are stated without a range and show no bar." if fixed else ""
    shown = table.select(*(column.name for column in table.columns if column.name != "source"))
    body = figure.html() + _widest(table) + Markup('<p class="note">{}</p>').format(note)
    return Part(body + details(f"All {len(table)} constants", table_html(shown, f"sensitivity-table-{key}")), (figure,))


def _widest(table: Table) -> Markup:
    """The constant that matters most, how it is known and from where; the others' sources stand under Provenance."""
    row = next(iter(table))
    return Markup('<p class="note">Widest: <bdi>{}</bdi>, {}: <bdi>{}</bdi>. All sources: Provenance.</p>').format(
        text(str(row["constant"])), text(str(row["status"])), text(str(row["source"]).rstrip("."))
    )


def _figure(key: str, table: Table, total: float) -> Figure:
    rows = list(table)[:DRAWN]
    names = [str(row["constant"]) for row in rows]
    traces: list[Json] = []
    for column, words, colour in (("total_low_j", "at its low", BLUE), ("total_high_j", "at its high", ORANGE)):
        values = [float(str(row[column])) for row in rows]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": words,
                "base": total,
                "x": [value - total for value in values],
                "y": list(range(len(rows))),
                "marker": {"color": colour},
                # y is the tick's name; x the total: Plotly adds the base to a bar's length
                "hovertemplate": f"<b>%{{y}}</b><br>total with it {words}: %{{x}}<extra></extra>",
            }
        )
    layout: dict[str, Json] = {
        "barmode": "overlay",
        "bargap": 0.3,
        "xaxis": energy_axis(f"total energy (estimate {format_si(total, 'J')})") | {"hoverformat": ".3~s"},
        "yaxis": named_axis(names, 40),
        "shapes": [{"type": "line", "xref": "x", "yref": "paper", "x0": total, "x1": total, "y0": 0, "y1": 1,
                    "line": {"width": 1.5, "dash": "dot", "color": "#8A8F98"}}],
    }  # fmt: skip
    says = f"Change of the total energy with each of {len(rows)} constants; {names[0]} matters most."
    return Figure(f"fig-sensitivity-{key}", says, traces, layout, 130 + 30 * len(rows), f"sensitivity-table-{key}")

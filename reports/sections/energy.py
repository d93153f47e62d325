"""Energy per layer, stacked by component, for the chosen pair."""

from __future__ import annotations

from markupsafe import Markup

from analyses.energy import energy_by_component, energy_by_node, explain, priced, priced_components
from analyses.results import PairResult
from analyses.table import Cell, Column, Table, table
from hwmodels.cost import CostReport
from neurobin.ir import Json
from neurobin.units import format_si
from reports.figures import COMPONENT_COLOURS, Figure, energy_axis, full, named_axis, switch
from reports.html import details, table_html
from reports.view import Part, Section, View

_EXPLAINED_COLUMNS = ("action", "count", "constant", "unit_energy_j", "energy_j", "status")
EXPLAINED = 40  # cost rows per pair shown in the page; the command line shows any


def render(view: View) -> Section | None:
    panels = view.panels("energy", _panel, "No energy was estimated.")
    lead = (
        "Where the joules of one inference go. Rows named “(chip)” belong to no single layer, such as static power. "
        "Each bar is count × constant, whose source stands under Provenance."
    )
    return Section("energy", "Energy by layer", lead, panels=panels) if panels else None


def _panel(key: str, result: PairResult) -> Part | None:
    report = result.report
    if report is None or not report.rows:
        return None
    if priced(report) is None:
        missing = table_html(energy_by_component(report), f"energy-components-{key}")
        return Part(Markup("<p class='empty'>No cost row has a constant: the energy is not modelled.</p>") + missing)
    by_node = energy_by_node(report)
    figure = _figure(key, report, by_node)
    body = (
        figure.html()
        + table_html(energy_by_component(report), f"energy-components-{key}")
        + details(f"Energy of all {len(by_node)} rows by component", table_html(by_node, f"energy-table-{key}"))
        + _explained(key, report)
    )
    return Part(body, (figure,))


def _figure(key: str, report: CostReport, by_node: Table) -> Figure:
    nodes = [str(name) for name in by_node.column("node")]
    names: list[Json] = [full(name) for name in nodes]
    traces: list[Json] = []
    for component in priced_components(report):
        column = component.replace(" ", "_") + "_j"
        values = by_node.numbers(column)
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": component,
                "x": list(values),
                "y": list(range(len(nodes))),
                "marker": {"color": COMPONENT_COLOURS[component]},
                "customdata": names,
                "hovertemplate": f"<b>%{{customdata}}</b><br>{component}: %{{x:.3~s}}J<extra></extra>",
            }
        )
    layout: dict[str, Json] = {
        "barmode": "stack",
        "bargap": 0.25,
        "legend": {"traceorder": "normal"},
        "xaxis": energy_axis("energy per inference"),
        "yaxis": named_axis(nodes),
    }
    figure_id = f"fig-energy-{key}"
    top, energy = max(report.by("node").items(), key=lambda item: item[1].energy_j)
    says = f"Energy by layer and component; the largest row is {top} with {format_si(energy.energy_j, 'J')}."
    tools = switch(figure_id, "scale", (("linear", "linear, stacked"), ("log", "logarithmic, side by side")))
    return Figure(figure_id, says, traces, layout, 130 + 26 * len(nodes), f"energy-table-{key}", tools)


def _explained(key: str, report: CostReport) -> Markup:
    """count x constant = energy for the costliest nodes, as far as the page has room, as one table."""
    energies = report.by("node")
    order = sorted(report.nodes, key=lambda node: (-energies[node].energy_j if node in energies else 0.0, node))
    rows: list[dict[str, Cell]] = []
    shown, columns = 0, explain(report, order[0]).select(*_EXPLAINED_COLUMNS).columns
    for node in order:
        found = list(explain(report, node).select(*_EXPLAINED_COLUMNS))
        if shown and len(rows) + len(found) > EXPLAINED:
            break
        rows += [{"node": node, **row} for row in found]
        shown += 1
    said = "every row" if shown == len(order) else f"the {shown} costliest of {len(order)} rows"
    made = table("", (Column("node", "node"), *columns), rows)
    return details(
        f"How each joule arose: count × constant, {said} (sources: Provenance)",
        table_html(made, f"explain-{key}", caption=False),
    )

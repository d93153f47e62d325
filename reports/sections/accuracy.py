"""What is lost between the trained module and the integers that hardware computes."""

from __future__ import annotations

from analyses.table import Table
from analyses.validation import accuracy_loss
from neurobin.ir import Json
from reports.figures import BLUE, GREY, ORANGE, SKY, Figure, full, named_axis, share_axis
from reports.html import details, table_html
from reports.view import Section, View

_STEPS = (
    ("accuracy_torch", "torch", "circle-open", 19, ORANGE),  # sizes differ so that equal values stay visible
    ("accuracy_float", "graph, real numbers", "diamond-open", 13, SKY),
    ("accuracy_deployed", "deployed integers", "circle", 7, BLUE),
)


def render(view: View) -> Section | None:
    table = accuracy_loss(view.comparison)
    if not any(isinstance(value, float) for name, *_ in _STEPS for value in table.column(name)):
        return None
    figure = _figure(table)
    lead = (
        "Accuracy of the trained module, of the same graph in real numbers, and of the deployed integers, on the test split."
    )
    body = figure.html() + details("Values and points lost", table_html(table, "accuracy-table"), opened=True)
    return Section("accuracy", "What deployment costs", lead, body, (figure,))


def _figure(table: Table) -> Figure:
    names = [str(name) for name in table.column("model")]
    traces: list[Json] = [_links(table)]
    for column, words, symbol, size, colour in _STEPS:
        values: Json = list(table.column(column))
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": words,
                "x": values,
                "y": list(range(len(names))),
                "marker": {"symbol": symbol, "size": size, "color": colour, "line": {"width": 2, "color": colour}},
                "customdata": [full(name) for name in names],
                "hovertemplate": f"<b>%{{customdata}}</b><br>{words}: %{{x:.2%}}<extra></extra>",
            }
        )
    layout: dict[str, Json] = {
        "xaxis": share_axis("accuracy"),
        "yaxis": named_axis(names) | {"showgrid": True},
    }
    says = f"Accuracy of {len(names)} models before and after deployment."
    return Figure("fig-accuracy", says, traces, layout, 140 + 30 * len(names), "accuracy-table")


def _links(table: Table) -> Json:
    x: list[Json] = []
    y: list[Json] = []
    for index, row in enumerate(table):
        known = [row[name] for name, *_ in _STEPS if row[name] is not None]
        if len(known) > 1:
            x += [known[0], known[-1], None]
            y += [index, index, None]
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": {"color": GREY, "width": 3}, "showlegend": False,
            "hoverinfo": "skip"}  # fmt: skip

"""Where every number came from: command, versions, models, graphs, and each constant of each chip with its source."""

from __future__ import annotations

from markupsafe import Markup

from analyses.provenance import constants, models
from reports.html import definitions, details, table_html, text
from reports.view import Part, Section, View


def render(view: View) -> Section:
    comparison = view.comparison
    facts = {"command": comparison.command, "date": comparison.date or "not stated", **comparison.versions}
    body = definitions(facts) + table_html(models(comparison), "models-table")
    for index, (target, found) in enumerate(comparison.chips.items()):
        table = constants(target, found)
        body += details(
            f"{target}: {len(table)} constants with their sources", table_html(table, f"constants-{index}", caption=False)
        )
    folds: dict[str, Part] = {}
    for key, model in view.models.items():
        if model.graph_text:
            body += view.fold("provenance", key, f"{model.name}: deployed graph")
            folds[key] = Part(Markup("<pre>{}</pre>").format(_lines(model.graph_text)))
    lead = (
        "What made this page, how each network can be made again, and every hardware constant with its value, range, status "
        "and source. “assumed” and “fitted” constants deserve your doubt first."
    )
    return Section("provenance", "Provenance", lead, body, folds=folds)


def _lines(graph_text: str) -> Markup:
    return Markup("\n").join(text(line) for line in graph_text.split("\n"))

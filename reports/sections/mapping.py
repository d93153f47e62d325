"""How the network sits on the chip: bounded resources, and the mapping's own summary."""

from __future__ import annotations

import json

from markupsafe import Markup

from analyses.results import PairResult
from analyses.table import Cell, Column, Table, number, table
from neurobin.ir import Json
from reports.html import definitions, details, table_html, text
from reports.view import Part, Section, View


def render(view: View) -> Section | None:
    panels = view.panels("mapping", _panel, "The mapping has no summary.")
    lead = "What the network uses of the chip, and how the mapping describes itself."
    return Section("mapping", "Mapping", lead, panels=panels) if panels else None


def _panel(key: str, result: PairResult) -> Part | None:
    if not result.resources and not result.summary:
        return None
    facts = {_words(name): _plain(value) for name, value in result.summary.items() if not isinstance(value, list | dict)}
    body = (_resources(key, result) if result.resources else Markup("")) + (definitions(facts) if facts else Markup(""))
    for index, (name, value) in enumerate(result.summary.items()):
        if isinstance(value, list | dict) and value:
            body += details(_words(name), _nested(value, _words(name), f"mapping-{key}-{index}"))
    return Part(body)


def _resources(key: str, result: PairResult) -> Markup:
    columns = (
        Column("resource", "resource"),
        Column("used", "used"),
        Column("capacity", "capacity"),
        Column("share", "share of the capacity", "share"),
    )
    rows: list[dict[str, Cell]] = [
        {
            "resource": r.name,
            "used": number(r.used, r.unit),
            "capacity": number(r.capacity, r.unit),
            "share": r.used / r.capacity if r.capacity else None,
        }
        for r in result.resources
    ]
    return table_html(table("Bounded resources", columns, rows), f"mapping-resources-{key}", sort=False)


def _nested(value: Json, title: str, table_id: str) -> Markup:
    if isinstance(value, dict) and all(not isinstance(v, list | dict) for v in value.values()):
        return definitions({_words(name): _plain(v) for name, v in value.items()})
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        made = _table(title, [row for row in value if isinstance(row, dict)])
        return table_html(made, table_id, caption=False)
    return Markup("<pre>{}</pre>").format(text(json.dumps(value, ensure_ascii=False)))


def _table(title: str, rows: list[dict[str, Json]]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    numeric = {
        name: all(isinstance(row.get(name), int | float) and not isinstance(row.get(name), bool) for row in rows)
        for name in names
    }
    columns = [Column(name, _words(name), "1" if numeric[name] else "") for name in names]
    return table(title, columns, ({name: _cell(row.get(name)) for name in names} for row in rows))


def _cell(value: Json) -> Cell:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _words(name: str) -> str:
    return name.replace("_", " ")


def _plain(value: Json) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value, "1") if isinstance(value, int | float) else str(value)

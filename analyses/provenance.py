"""Where every number came from: constants of the chips, commands of the models."""

from __future__ import annotations

from collections.abc import Iterable

from analyses.results import Comparison
from analyses.table import Cell, Column, Table, table
from hwmodels.sourced import Sourced

COLUMNS = (
    Column("constant", "constant"),
    Column("value", "value", "1"),
    Column("low", "low", "1"),
    Column("high", "high", "1"),
    Column("unit", "unit"),
    Column("status", "status"),
    Column("source", "source"),
)


def constants(target: str, found: Iterable[tuple[str, Sourced]]) -> Table:
    """A row per constant by dotted path, in file order: value and range in its own unit, status, source."""
    rows: list[dict[str, Cell]] = [
        {
            "constant": path,
            "value": constant.value,
            "low": constant.low,
            "high": constant.high,
            "unit": constant.unit,
            "status": constant.status,
            "source": constant.source,
        }
        for path, constant in found
    ]
    return table(f"Constants of {target}", COLUMNS, rows)


def models(comparison: Comparison) -> Table:
    """How each model came to be: data, seed, epochs, weights by type, command and citation."""
    rows: list[dict[str, Cell]] = [
        {
            "model": model.name,
            "method": model.method,
            "dataset": model.dataset,
            "parameters": ", ".join(f"{count} {kind}" for kind, count in model.parameters.items()) or None,
            "seed": None if model.seed is None else str(model.seed),
            "epochs": model.epochs,
            "command": model.command or None,
            "citation": model.citation or None,
        }
        for model in comparison.models
    ]
    columns = (
        Column("model", "model"),
        Column("method", "method"),
        Column("dataset", "data"),
        Column("parameters", "parameters"),
        Column("seed", "seed"),
        Column("epochs", "epochs", "1"),
        Column("command", "made by"),
        Column("citation", "citation"),
    )
    return table("Models", columns, rows)


def omissions(comparison: Comparison) -> Table:
    """What the cost models leave out, by target: their notes, and counted work that has no constant."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for result in comparison.results:
        if result.report is None:
            continue
        for note in result.report.notes:
            found.setdefault((result.target, "note", note), []).append(result.model)
        for row in result.report.not_modelled:
            found.setdefault((result.target, "no constant", f"{row.action} ({row.constant})"), []).append(result.model)
    rows: list[dict[str, Cell]] = [
        {"target": target, "kind": kind, "what": what, "models": len(set(names))}
        for (target, kind, what), names in sorted(found.items())
    ]
    columns = (
        Column("target", "target"),
        Column("kind", "kind"),
        Column("what", "what is left out or assumed"),
        Column("models", "models", "1"),
    )
    return table("Not modelled", columns, rows)

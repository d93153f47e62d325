"""`neurobin inspect`: what a file holds, what of it becomes bits, and what does not and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neurobin.cli._common import emit_json, json_option, show
from neurobin.cli._imported import Import, deployed, import_options, is_file_name
from neurobin.errors import GraphError, NeurobinError, UnsupportedError, UsageError

if TYPE_CHECKING:
    from analyses.table import Table
    from neurobin.frontend.description import Description


@click.command("inspect", epilog="Example:  neurobin inspect model.onnx")
@click.argument("model", metavar="MODEL")
@import_options
@json_option
def command(model: str, how: Import, as_json: bool) -> None:
    """Show what a network holds: operators, precisions, what becomes bits, what does not and why.

    Exit code 3 when a part of it has no meaning here; every such part is named.
    """
    from analyses.deployment import deployment
    from analyses.layers import layers
    from neurobin.frontend.load import describe

    foreign = is_file_name(model) and not model.endswith(".nbin")
    description = describe(Path(model), how.limits) if foreign else None
    problem: NeurobinError | None = None
    tables: list[Table] = []
    try:
        graph = deployed(model, how)
        tables = [layers(graph), deployment(graph)]
    except (UnsupportedError, GraphError, UsageError) as error:
        problem = error
    if as_json:
        emit_json(_answer(model, description, tables, problem))
    else:
        _show(description, tables)
    if problem is not None:
        raise problem


def _answer(
    model: str, description: Description | None, tables: list[Table], problem: NeurobinError | None
) -> dict[str, object]:
    answer: dict[str, object] = {"schema": "neurobin.inspect/1", "model": model}
    if description is not None:
        answer["facts"] = dict(description.facts)
        answer["operators"] = [vars(operator) for operator in description.operators]
    names = ("layers", "deployment")
    answer |= {name: made.to_dict()["rows"] for name, made in zip(names, tables, strict=False)}
    return answer | {"problem": None if problem is None else str(problem)}


def _show(description: Description | None, tables: list[Table]) -> None:
    """The file's own facts and operators, then the layers and what else runs."""
    from analyses.table import Column, table
    from analyses.text import visible
    from reports.terminal import plain

    if description is not None:
        width = max(map(len, description.facts))
        click.echo("\n".join(f"{name:<{width}}  {visible(text)}" for name, text in description.facts.items()))
        columns = (
            Column("name", "operator"),
            Column("domain", "domain"),
            Column("count", "nodes", "1"),
            Column("known", "known"),
        )
        rows = [{**vars(operator), "known": "yes" if operator.known else "no"} for operator in description.operators]
        show(plain(table("Operators in the file", columns, rows, "")))
    for made in tables:
        show(plain(made))

"""`neurobin inspect`: what a file holds, what of it becomes bits, and what does not and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyses.text import visible
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
    from neurobin.frontend.load import NBIN, describe, recognise

    foreign = is_file_name(model) and recognise(Path(model)) != NBIN
    description = describe(Path(model), how.limits) if foreign else None
    problem: NeurobinError | None = None
    tables: list[Table] = []
    left_out = ""
    try:
        graph = deployed(model, how)
        tables = [layers(graph), deployment(graph)]
        left_out = str(graph.meta.get("left_out", ""))
    except (UnsupportedError, GraphError, UsageError) as error:
        problem = error
    if as_json:
        emit_json(_answer(model, description, tables, problem) | {"left_out": left_out})
    else:
        _show(description, tables)
        if left_out:
            click.echo(f"Left out at the end, for a graph gives the scores: {visible(left_out)}.")
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

"""`neurobin compare`: networks on chips, as a table and as one offline page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neurobin.cli._common import (
    emit_json,
    json_option,
    load_targets,
    note,
    show,
    target_option,
    writable,
)
from neurobin.cli._images import images_option
from neurobin.cli._imported import Import, deployed, import_options
from neurobin.cli._limits import Limits, limit_options
from neurobin.cli._processes import processes_option
from neurobin.errors import UsageError

if TYPE_CHECKING:
    from neurobin.cli._images import ImageCount
    from neurobin.ir import Graph


@click.command("compare", epilog="Example:  neurobin compare --methods all --target all --report methods.html")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--methods", metavar="NAMES", help='Only networks of these methods, separated by commas ("all": every one).')
@click.option("--data", metavar="NAMES", help="Only networks trained on these data sets, separated by commas.")
@images_option(least=0)
@processes_option
@click.option("--report", metavar="FILE.html", help="Write one offline HTML page.")
@click.option("--table", metavar="FILE", help="Write the headline table as .csv, .tex, .md or .json.")
@target_option("all")
@limit_options
@import_options
@json_option
def command(
    models: tuple[str, ...], methods: str | None, data: str | None, count: ImageCount, processes: int | None,
    report: str | None, table: str | None, targets: tuple[str, ...], overrides: tuple[str, ...], limits: Limits,
    how: Import, as_json: bool,
) -> None:  # fmt: skip
    """Compare networks (default: the whole zoo) on chips: accuracy, energy, latency, memory, and whether it is true."""
    from analyses.headline import headline
    from neurobin import zoo
    from neurobin.cli._compare import compare, require_one_fit
    from reports import terminal
    from reports.export import FORMS, write_table, write_text

    for path in (report, table):
        if path is not None:
            writable(path)
    if table is not None and Path(table).suffix not in FORMS:
        raise UsageError(f"cannot write a table to {table!r}", hint=f"a file name that ends in {', '.join(FORMS)}")
    graphs = {name: deployed(name, how) for name in (models or zoo.names())}
    for key, wanted in (("method", methods), ("dataset", data)):
        values = [value.strip() for value in (wanted or "all").split(",") if value.strip()]
        if "all" not in values:
            graphs = _only(graphs, key, values)
    page, chips = report is not None, load_targets(targets, overrides)
    result = compare(graphs, chips, images=count, traces=page, literature=page, quiet=as_json, processes=processes)
    if as_json:
        emit_json({"schema": "neurobin.compare/1", "rows": headline(result).to_dict()["rows"]})
    else:
        show(terminal.compare(result))
    if table is not None:
        write_table(Path(table), headline(result))
        note(f"wrote {table}")
    if report is not None:
        from reports.page import render

        write_text(Path(report), render(result))
        note(f"wrote {report} ({Path(report).stat().st_size / 1e6:.1f} MB, opens offline)")
    require_one_fit(result)
    limits.check(result)


def _only(graphs: dict[str, Graph], key: str, wanted: list[str]) -> dict[str, Graph]:
    """The networks whose meta data has one of the values. Raises UsageError for a value that no network has."""
    known = {str(graph.meta[key]) for graph in graphs.values() if key in graph.meta}
    unknown = [value for value in wanted if value not in known]
    if unknown or not wanted:
        named = " or ".join(map(repr, unknown)) or "of no name"
        raise UsageError(f"no network with {key} {named}", hint=f"one of {', '.join(sorted(known)) or 'none'}")
    return {name: graph for name, graph in graphs.items() if graph.meta.get(key) in wanted}

"""`neurobin compare`: networks on chips, as a table and as one offline page."""

from __future__ import annotations

from pathlib import Path

import click

from neurobin.cli._common import emit_json, json_option, load_model, load_targets, note, require_deployed, target_option
from neurobin.cli._limits import Limits, limit_options


@click.command("compare", epilog="Example:  neurobin compare --target all --report report.html")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--methods", metavar="NAMES", help='Only networks of these methods, separated by commas ("all": every one).')
@click.option("--images", "count", type=click.IntRange(min=0), help="Images per validation (default: all; 0: none).")
@click.option("--report", metavar="FILE.html", help="Write one offline HTML page.")
@click.option("--csv", metavar="FILE.csv", help="Write the headline table.")
@click.option("--latex", metavar="FILE.tex", help="Write the headline table.")
@target_option("all")
@limit_options
@json_option
def command(
    models: tuple[str, ...], methods: str | None, count: int | None, report: str | None, csv: str | None,
    latex: str | None, targets: tuple[str, ...], overrides: tuple[str, ...], limits: Limits, as_json: bool,
) -> None:  # fmt: skip
    """Compare networks (default: the whole zoo) on chips: accuracy, energy, latency, memory, and whether it is true."""
    from reports.terminal import show

    from analyses.headline import headline
    from neurobin import zoo
    from neurobin.cli._common import write_text
    from neurobin.cli._compare import compare, require_one_fit

    graphs = {name: require_deployed(load_model(name), name) for name in (models or zoo.names())}
    if methods and methods != "all":
        wanted = set(methods.split(","))
        graphs = {name: graph for name, graph in graphs.items() if graph.meta.get("method") in wanted}
    result = compare(graphs, load_targets(targets, overrides), images=count, trace=bool(report), quiet=as_json)
    rows = headline(result)
    if as_json:
        emit_json({"schema": "neurobin.compare/1", "rows": rows.to_dict()["rows"]})
    else:
        show(rows)
    for path, text in ((csv, rows.to_csv), (latex, rows.to_latex)):
        if path:
            write_text(path, text())
    if report:
        from reports.page import render

        write_text(report, render(result))
        note(f"wrote {Path(report)} ({Path(report).stat().st_size / 1e6:.1f} MB, opens offline)")
    require_one_fit(result)
    limits.check(result)

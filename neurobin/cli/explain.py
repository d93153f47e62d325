"""`neurobin explain`: how every joule of a node arose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from neurobin.cli._common import emit_json, json_option, load_targets, show, target_option
from neurobin.cli._imported import Import, deployed, import_options

if TYPE_CHECKING:
    from hwmodels.cost import CostReport


@click.command("explain", epilog="Example:  neurobin explain bnn_digits conv2.conv2d.sums --target stm32l4r5")
@click.argument("model", metavar="MODEL")
@click.argument("node", metavar="NODE", required=False)
@target_option("all")
@import_options
@json_option
def command(
    model: str, node: str | None, targets: tuple[str, ...], overrides: tuple[str, ...], how: Import, as_json: bool
) -> None:
    """Count x constant x source for every joule of NODE (without NODE: of every node), summing to the report's figure."""
    from neurobin.cli._compare import compare, require_one_fit
    from reports import terminal

    graph = deployed(model, how)
    result = compare({model: graph}, load_targets(targets, overrides), images=0, quiet=as_json)
    require_one_fit(result)
    answers = [
        (pair.target, name, pair.report)
        for pair in result.results
        if pair.report is not None
        for name in ([node] if node else pair.report.nodes)
    ]
    if as_json:
        emit_json({"schema": "neurobin.explain/1", "model": model, "explained": [_explained(*answer) for answer in answers]})
        return
    for _, name, report in answers:
        show(terminal.explain(report, name))


def _explained(target: str, node: str, report: CostReport) -> dict[str, object]:
    from analyses.energy import explain

    rows = explain(report, node).to_dict()["rows"]
    total = report.by("node").get(node)
    return {"target": target, "node": node, "energy_j": total.energy_j if total else None, "rows": rows}

"""`neurobin explain`: how every joule of a node arose."""

from __future__ import annotations

import click

from neurobin.cli._common import emit_json, json_option, load_model, load_targets, require_deployed, target_option


@click.command("explain", epilog="Example:  neurobin explain bnn_digits conv2.sums --target stm32l4r5")
@click.argument("model", metavar="MODEL")
@click.argument("node", metavar="NODE", required=False)
@target_option("all")
@json_option
def command(model: str, node: str | None, targets: tuple[str, ...], overrides: tuple[str, ...], as_json: bool) -> None:
    """Count x constant x source for every joule of NODE (without NODE: of every node), summing to the report's figure."""
    from reports.terminal import show

    from analyses.energy import explain
    from neurobin.cli._compare import compare, require_one_fit

    graph = require_deployed(load_model(model), model)
    result = compare({model: graph}, load_targets(targets, overrides), images=0)
    require_one_fit(result)
    answers = []
    for pair in result.results:
        if pair.report is None:
            continue
        for name in [node] if node else pair.report.by("node"):
            answers.append((pair.target, name, pair.report.by("node").get(name), explain(pair.report, name)))
    if as_json:
        listed = [
            {"target": target, "node": name, "energy_j": total.energy_j if total else None, "rows": table.to_dict()["rows"]}
            for target, name, total, table in answers
        ]
        emit_json({"schema": "neurobin.explain/1", "model": model, "explained": list(listed)})
        return
    for target, name, total, table in answers:
        show(table, heading=f"{model}: {name} on {target}", total_j=total.energy_j if total else None)

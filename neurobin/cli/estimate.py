"""`neurobin estimate`: the price of one network on chips."""

from __future__ import annotations

from dataclasses import replace

import click

from neurobin.cli._common import emit_json, json_option, load_targets, show, target_option
from neurobin.cli._imported import Import, deployed, import_options
from neurobin.cli._limits import Limits, limit_options


@click.command("estimate", epilog="Example:  neurobin estimate bnn_digits --target stm32l4r5 --by node --max-energy 5mJ")
@click.argument("model", metavar="MODEL")
@click.option("--by", type=click.Choice(["node", "component"]), help="Split the energy; --json gives every cost row.")
@target_option("all")
@limit_options
@import_options
@json_option
def command(
    model: str, by: str | None, targets: tuple[str, ...], overrides: tuple[str, ...], limits: Limits, how: Import,
    as_json: bool,
) -> None:  # fmt: skip
    """Energy, latency and memory of one inference; exit code 4 when the network fits none of the targets."""
    from analyses.energy import energy_by_component, energy_by_node
    from analyses.headline import headline
    from neurobin.cli._compare import compare, require_one_fit
    from reports import terminal

    graph = deployed(model, how)
    result = compare({model: graph}, load_targets(targets, overrides), images=0, quiet=as_json)
    if as_json:
        answer: dict[str, object] = {"schema": "neurobin.estimate/1", "rows": headline(result).to_dict()["rows"]}
        if by:
            priced = [(pair.target, pair.report) for pair in result.results if pair.report]
            answer["costs"] = [row.to_dict() | {"target": target} for target, report in priced for row in report.rows]
        emit_json(answer)
    else:
        show(terminal.compare(result))
        split = {"node": energy_by_node, "component": energy_by_component}
        for pair in result.results:
            if by and pair.report:
                show(terminal.plain(replace(split[by](pair.report), title=f"{model} on {pair.target}")))
    require_one_fit(result)
    limits.check(result)

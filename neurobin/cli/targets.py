"""`neurobin targets`: the chips, and every constant of one with its source."""

from __future__ import annotations

import click

from neurobin.cli._common import emit_json, json_option
from neurobin.cli._common import show as show_table


@click.group(
    "targets",
    invoke_without_command=True,
    epilog="Examples:  neurobin targets    neurobin targets show truenorth",
)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the chips, or show every constant of one with its source."""
    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("--json belongs behind the subcommand: neurobin targets show truenorth --json")
        return

    from analyses.table import Cell, Column, table
    from hwmodels.target import chip_names, constants, load_target
    from reports.terminal import plain

    rows: list[dict[str, Cell]] = []
    for name in chip_names():
        chip = load_target(name).chip
        about = {key: str(getattr(chip, key)) for key in ("family", "description")}
        rows.append({"target": name, **about, "constants": len(constants(chip))})
    if as_json:
        emit_json({"schema": "neurobin.targets/1", "targets": [dict(row) for row in rows]})
        return
    columns = [Column(key, key) for key in ("target", "family", "constants", "description")]
    show_table(plain(table("Targets", columns, rows)))


@command.command("show", epilog="Example:  neurobin targets show stm32l4r5")
@click.argument("name", metavar="TARGET")
@json_option
def show(name: str, as_json: bool) -> None:
    """Print every constant of a chip with its unit, range and source."""
    from hwmodels.target import constants, load_target
    from reports.terminal import target as target_table

    target = load_target(name)
    found = constants(target.chip)
    if as_json:
        listed = [{"path": path, **constant.model_dump(mode="json")} for path, constant in found.items()]
        emit_json({"schema": "neurobin.target/1", "target": target.name, "constants": listed})
        return
    show_table(target_table(target.name, found))

"""`neurobin targets`: the chips, and every constant of one with its source."""

from __future__ import annotations

import click

from neurobin.cli._common import emit_json, json_option


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
        return
    from reports.terminal import show as show_table

    from analyses.table import Column, table
    from hwmodels.target import chip_names, constants, load_target

    rows = []
    for name in chip_names():
        chip = load_target(name).chip
        about = {key: str(getattr(chip, key)) for key in ("family", "description")}
        rows.append({"target": name, **about, "constants": len(constants(chip))})
    if as_json:
        emit_json({"schema": "neurobin.targets/1", "targets": [dict(row) for row in rows]})
        return
    columns = [Column(key, key) for key in ("target", "family", "constants", "description")]
    show_table(table("Targets", columns, rows))


@command.command("show", epilog="Example:  neurobin targets show stm32l4r5")
@click.argument("name", metavar="TARGET")
@json_option
def show(name: str, as_json: bool) -> None:
    """Print every constant of a chip with its unit, range and source."""
    from reports.terminal import show as show_table

    from analyses.provenance import constant_table
    from hwmodels.target import constants, load_target

    target = load_target(name)
    found = constants(target.chip)
    if as_json:
        listed = [{"path": path, **constant.model_dump(mode="json")} for path, constant in found.items()]
        emit_json({"schema": "neurobin.target/1", "target": target.name, "constants": listed})
        return
    show_table(constant_table({target.name: tuple(found.items())}))

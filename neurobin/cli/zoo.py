"""`neurobin zoo`: the trained networks that come with the package."""

from __future__ import annotations

import click

from neurobin.cli._common import emit_json, json_option, show

KEYS = ("name", "method", "title", "dataset", "accuracy_torch", "accuracy_float", "accuracy_deployed", "seed", "epochs")


@click.command("zoo", epilog="Example:  neurobin zoo --json")
@json_option
def command(as_json: bool) -> None:
    """List the trained networks that come with neurobin."""
    from analyses.evaluate import model_info
    from analyses.table import Column, table
    from neurobin import zoo
    from reports.terminal import plain

    infos = [model_info(name, zoo.load(name)) for name in zoo.names()]
    if as_json:
        models = [{key: getattr(info, key) for key in (*KEYS, "command")} for info in infos]
        emit_json({"schema": "neurobin.zoo/1", "models": models})
        return
    shown = ("name", "title", "dataset", "accuracy_torch", "accuracy_deployed", "command")
    rows = [{key: getattr(info, key) for key in shown} for info in infos]
    columns = [Column(key, key.replace("_", " "), "share" if key.startswith("accuracy") else "") for key in shown]
    show(plain(table("Zoo", columns, rows)))

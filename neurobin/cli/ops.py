"""`neurobin ops`: the operations of the intermediate representation."""

from __future__ import annotations

from dataclasses import fields

import click

from neurobin.cli._common import emit_json, json_option, show


@click.command("ops", epilog="Example:  neurobin ops --json")
@json_option
def command(as_json: bool) -> None:
    """List the operations of the intermediate representation."""
    import importlib

    from analyses.table import Column, table
    from neurobin.ops import op_class, op_names
    from reports.terminal import plain

    rows = []
    for name in op_names():
        kind = op_class(name)
        about = (importlib.import_module(kind.__module__).__doc__ or "").strip().splitlines()[0]
        rows.append({"op": name, "attributes": ", ".join(f.name for f in fields(kind)), "about": about})
    if as_json:
        emit_json({"schema": "neurobin.ops/1", "ops": [dict(row) for row in rows]})
        return
    columns = [Column(key, key) for key in ("op", "attributes", "about")]
    show(plain(table("Operations", columns, rows)))

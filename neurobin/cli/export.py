"""`neurobin export`: a network as QONNX, which FINN, qonnx and other tools read."""

from __future__ import annotations

from pathlib import Path

import click

from neurobin.cli._common import note, writable
from neurobin.cli._imported import Import, deployed, import_options, imported


@click.command("export", epilog="Example:  neurobin export bnn_digits -o bnn.onnx")
@click.argument("model", metavar="MODEL")
@click.option("-o", "--output", required=True, metavar="FILE.onnx", help="Write the model here.")
@click.option("--trained", is_flag=True, help="The graph as trained, instead of the deployed integers.")
@import_options
def command(model: str, output: str, trained: bool, how: Import) -> None:
    """Write MODEL as QONNX: its deployed integers, node by node, or the graph as trained.

    Reading the integers back gives the same integers; exit code 3 when an op has no exact form.
    """
    from neurobin import zoo
    from neurobin.export.qonnx import save_qonnx

    path = writable(output)
    if trained:
        graph = zoo.load(model, trained=True) if model in zoo.names() else imported(model, how)
    else:
        graph = deployed(model, how)
    save_qonnx(graph, path)
    note(f"wrote {path} ({Path(path).stat().st_size} bytes, {len(graph.nodes)} ops)")

"""`neurobin export`: a network as QONNX or NIR, which other tools read."""

from __future__ import annotations

import click

from neurobin.cli._common import note, writable
from neurobin.cli._imported import Import, deployed, import_options, imported
from neurobin.errors import UnsupportedError, UsageError

EPILOG = """\b
Examples:
  neurobin export bnn_digits -o bnn.onnx
  neurobin export birealnet_digits --trained -o birealnet.nir
"""


@click.command("export", epilog=EPILOG)
@click.argument("model", metavar="MODEL")
@click.option("-o", "--output", required=True, metavar="FILE", help="Write it here: .onnx for QONNX, .nir for NIR.")
@click.option("--trained", is_flag=True, help="The graph as trained, instead of the deployed integers.")
@import_options
def command(model: str, output: str, trained: bool, how: Import) -> None:
    """Write MODEL for other tools: its deployed integers, node by node, or the graph as trained.

    Reading the integers back gives the same integers; exit code 3 when an op has no exact form.
    """
    from neurobin import zoo
    from neurobin.export.nir import save_nir
    from neurobin.export.qonnx import save_qonnx

    savers = {".onnx": save_qonnx, ".nir": save_nir}
    path = writable(output)
    if path.suffix not in savers:
        raise UsageError(f"cannot tell the format of {output!r}", hint=f"a file name that ends in {' or '.join(savers)}")
    if trained:
        graph = zoo.load(model, trained=True) if model in zoo.names() else imported(model, how)
    else:
        graph = deployed(model, how)
    try:
        savers[path.suffix](graph, path)
    except UnsupportedError as error:
        if error.hint or path.suffix != ".nir":
            raise
        ways = "QONNX holds every graph: a file name that ends in .onnx"
        hint = ways if trained else f"the graph as trained: --trained; {ways}"
        raise UnsupportedError(error.what, where=error.where, hint=hint) from None
    if path.suffix == ".nir":
        note("NIR does not say what an image is: this file takes whole pixels, neurobin reads it with --pixel 1")
    note(f"wrote {path} ({path.stat().st_size} bytes, {len(graph.nodes)} ops)")

"""`neurobin run`: a network on images."""

from __future__ import annotations

import time
from functools import partial

import click

from neurobin.cli._common import emit_json, in_batches, json_option, split_images
from neurobin.cli._images import ImageCount, whole_split_option
from neurobin.cli._imported import Import, import_options, imported, in_integers


@click.command("run", epilog="Example:  neurobin run bnn_digits --engine packed --images 100 --json")
@click.argument("model", metavar="MODEL")
@click.option("--engine", type=click.Choice(["packed", "reference"]), default="packed", show_default=True)
@whole_split_option
@import_options
@json_option
def command(model: str, engine: str, count: ImageCount, how: Import, as_json: bool) -> None:
    """Run a network on the test split of its data set and report its accuracy."""
    from neurobin.exec import packed, reference

    graph = imported(model, how)
    # Before any calibration: whoever named no data set hears of it at once.
    data = split_images(graph, count if isinstance(count, int) else None)
    graph = in_integers(graph, model)
    execute = partial((packed if engine == "packed" else reference).run, graph)
    start = time.perf_counter()
    outputs = in_batches(execute, data.images, "running", quiet=as_json)
    elapsed_s = time.perf_counter() - start
    measured = data.score(graph, outputs)
    if as_json:
        emit_json({"schema": "neurobin.run/1", "model": model, "engine": engine, "dataset": data.name,
                   "images": len(data.labels), **measured, "elapsed_s": elapsed_s,
                   "predictions": data.answers(graph, outputs)})  # fmt: skip
        return
    shares = ", ".join(f"{measure.replace('_', ' ')} {share:.4f}" for measure, share in measured.items())
    click.echo(f"{model} on {len(data.labels)} {data.name} images: {shares} ({engine} engine, {elapsed_s:.2f} s)")

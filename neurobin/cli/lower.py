"""`neurobin lower`: from a graph as trained to a deployed graph of integers, pass by pass."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from neurobin.cli._common import (
    emit_json,
    images_to_execute,
    in_batches,
    json_option,
    note,
    split_images,
    writable,
)
from neurobin.cli._imported import Import, calibration_images, import_options, imported, is_file_name, of_data
from neurobin.errors import UsageError

if TYPE_CHECKING:
    from neurobin.exec.deviation import Flips
    from neurobin.ir import Graph

DEVIATION_IMAGES = 256
EPILOG = """\b
Examples:
  neurobin lower bnn_digits -o bnn.nbin --show thresholds
  neurobin lower model.onnx --test-data mnist -o model.nbin
  neurobin lower tfc --weights tfc.pt --test-data mnist -o tfc.nbin
  neurobin lower quicknet.json --weights quicknet.h5 -o quicknet.nbin
"""


@click.command("lower", epilog=EPILOG)
@click.argument("model", metavar="MODEL")
@click.option("-o", "--output", metavar="FILE.nbin", help="Write the deployed graph here.")
@click.option("--show", metavar="PASS", help='Print the graph after this pass ("all": after each).')
@click.option(
    "--calibrate",
    "count",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Training images to calibrate on.",
)
@click.option(
    "--weights",
    metavar="FILE",
    help="MODEL is an architecture with the tensors of this .pt or .safetensors file, or a Keras .json with this .h5 file.",
)
@import_options
@json_option
def command(
    model: str, output: str | None, show: str | None, count: int, weights: str | None, how: Import, as_json: bool
) -> None:
    """Lower a graph as trained to integers and measure what it costs in accuracy.

    MODEL is a network of the zoo (its trained form), a .trained.nbin file, an ONNX, QONNX, TFLite, Keras or NIR file, or,
    with --weights, an architecture that "neurobin count --all" lists or the description of a Keras network.
    """
    from neurobin.exec.deviation import deviation
    from neurobin.ir import to_text
    from neurobin.ir.store import save
    from neurobin.passes import EXACT, Deploy, lower
    from neurobin.passes.precision import from_meta

    if output is not None and writable(output).suffix != ".nbin":
        raise UsageError(
            f"a lowered graph is a .nbin, got {output!r}", hint=f"-o {Path(output).stem}.nbin, or neurobin export for others"
        )
    names = dict.fromkeys([*(step.name for step in EXACT), Deploy.name, "all"])
    if show is not None and show not in names:
        raise UsageError(f"no pass {show!r}", hint=f"one of {', '.join(names)}")
    trained = _trained(model, weights, how)

    def observe(name: str, graph: Graph) -> None:
        note(f"{name}: {len(graph.nodes)} nodes")
        if show in (name, "all"):
            click.echo(f"# after {name}\n{to_text(graph)}", err=as_json)

    deployed = lower(trained, calibration_images(trained, count), from_meta(trained.meta), observe)
    measured = scores(trained, deployed, as_json) if "dataset" in trained.meta else {}
    images, _ = images_to_execute(trained, DEVIATION_IMAGES)
    flips = deviation(trained, deployed, images)
    deployed = _with_scores(deployed, measured)
    if output is not None:
        save(deployed, Path(output))
        note(f"wrote {output}")
    if as_json:
        emit_json({"schema": "neurobin.lower/1", "model": model, "accuracy": dict(measured.get("accuracy", {})),
                   "output": output, "deviation": [f.to_dict() for f in flips],
                   "graph": to_text(deployed).splitlines()})  # fmt: skip
    elif show is None:
        click.echo(to_text(deployed), nl=False)
    _tell(flips, measured)


def _with_weights(model: str, weights: Path, how: Import) -> Graph:
    """A published architecture, or else a description in a file, with the weights of another."""
    from neurobin.nets import published  # torch
    from neurobin.zoo.untrained import with_weights

    if model not in published.names() and is_file_name(model):
        return imported(model, how, weights)
    return of_data(with_weights(model, weights, how.limits), how)


def _refuse_architecture(name: str) -> None:
    """Raises UsageError for a name that has no weights."""
    from neurobin.nets import published  # torch

    if name in published.names():
        hint = f"neurobin lower {name} --weights FILE, or estimate it untrained"
        raise UsageError(f"{name} is an architecture without weights", hint=hint)


def _trained(model: str, weights: str | None, how: Import) -> Graph:
    """The graph as trained. Raises UsageError for one that is deployed already."""
    from neurobin import zoo

    if weights is not None:
        return _with_weights(model, Path(weights), how)
    if not is_file_name(model) and model not in zoo.names():
        _refuse_architecture(model)
    trained = zoo.load(model, trained=True) if model in zoo.names() else imported(model, how)
    if trained.is_deployed:
        raise UsageError(
            f"{model} is deployed already, every number in it is an integer",
            hint="run, validate, estimate and compare take it as it is; to lower it again, the graph as trained",
        )
    return trained


def _with_scores(graph: Graph, measured: dict[str, dict[str, float]]) -> Graph:
    """The graph with these stages of its scores replaced; that of the torch module stays."""
    for measure, stages in measured.items():
        kept = graph.meta.get(measure)
        graph = graph.with_meta(**{measure: {**(kept if isinstance(kept, dict) else {}), **stages}})
    return graph


def _tell(flips: tuple[Flips, ...], measured: dict[str, dict[str, float]]) -> None:
    """A line per quantizer whose codes changed, the first of them being where the graphs part, and one per score."""
    for f in flips:
        if f.flipped:
            share = f"{f.flipped} of {f.elements} codes flipped ({f.flipped / f.elements:.3%})"
            note(f"{f.node}: {share}, at most {f.farthest:.2g} from a threshold (inputs spread over {f.spread:.2g})")
    if not any(f.flipped for f in flips):
        note("no code of any quantizer changed")
    for measure, stages in measured.items():
        shares = f"real graph {stages['float']:.4f}, deployed integers {stages['deployed']:.4f}"
        note(f"{measure.replace('_', ' ')} on the test split: {shares}")


def scores(trained: Graph, deployed: Graph, quiet: bool) -> dict[str, dict[str, float]]:
    """Accuracy, and what else is measured, of the real graph and of the integers on the test split of the model's data."""
    from neurobin.exec import packed, reference

    data = split_images(deployed)
    real = in_batches(partial(reference.run, trained), data.images, "scoring the real graph", quiet)
    integers = in_batches(partial(packed.run, deployed), data.images, "scoring the integers", quiet)
    found = {"float": data.score(trained, real), "deployed": data.score(deployed, integers)}
    return {measure: {stage: values[measure] for stage, values in found.items()} for measure in found["deployed"]}

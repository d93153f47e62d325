"""`neurobin count`: parameters, size and operations of a network under a named convention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from neurobin.cli._common import emit_json, json_option, note, show, split_images, track
from neurobin.cli._imported import Import, import_options, imported
from neurobin.counting.convention import CONVENTIONS
from neurobin.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neurobin.counting import Count
    from neurobin.ir import Graph

FIGURES = ("params", "size_mib", "size_mb", "bops", "flops", "ops")
EPILOG = """\b
Examples:
  neurobin count reactnet_a
  neurobin count binary_densenet28 --convention hpi --stem grouped --json
  neurobin count --all --convention larq_fused
"""


@click.command("count", epilog=EPILOG)
@click.argument("net", metavar="NET", required=False)
@click.option(
    "--convention", default="reactnet", show_default=True, metavar="NAME", help=f"One of {', '.join(CONVENTIONS)}."
)
@click.option("--stem", metavar="NAME", help='First layers, where several were published: "7x7" or "grouped".')
@click.option("--images", type=click.IntRange(min=0), default=0, metavar="N",
              help="Measure NeuroBench's sparsity and synaptic operations on N test images.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="A table of all published architectures.")
@import_options
@json_option
def command(
    net: str | None, convention: str, stem: str | None, images: int, everything: bool, how: Import, as_json: bool
) -> None:
    """Count parameters, stored size and operations per image of NET, from its graph alone.

    NET is a published architecture, a network of the zoo, or a file (.nbin, ONNX, QONNX). FLOPs are multiply-accumulates,
    OPs are BOPs / 64 + FLOPs; the conventions differ in what they count (neurobin.counting.convention says how).
    """
    from neurobin.counting import find_convention

    chosen = find_convention(convention)
    if everything == (net is not None):
        raise UsageError("expected one network, or --all", hint="neurobin count reactnet_a")
    if everything and images:
        raise UsageError("--images measures one network, not all", hint="neurobin count bnn_digits --images 100")
    if everything:
        _table(chosen.name, stem, as_json)
        return
    graph = _graph(str(net), stem, how)
    if images and "dataset" not in graph.meta:
        raise UsageError(f"--images measures on a network's own data set, and {net} names none", hint="leave it out")
    answer = _answer(str(net), graph, chosen.name, images)
    if as_json:
        emit_json({"schema": "neurobin.count/1", **answer})
    else:
        click.echo("\n".join(_lines(str(net), graph, answer)))


def _graph(name: str, stem: str | None, how: Import) -> Graph:
    """The graph as trained, or as before training. Raises UsageError for a name that is none of them."""
    from neurobin import zoo
    from neurobin.nets import published
    from neurobin.zoo.untrained import untrained

    if name in published.architectures():
        return untrained(name, stem=stem)
    if stem is not None:
        raise UsageError(f"--stem chooses among published stems, and {name!r} is no published architecture")
    if name in zoo.names():
        return zoo.load(name, trained=True)
    return imported(name, how)


def _figures(name: str, counted: Count) -> dict[str, str | int | float]:
    return {"net": name, "convention": counted.convention} | {key: getattr(counted, key) for key in FIGURES}


def _answer(name: str, graph: Graph, convention: str, images: int) -> dict[str, object]:
    """All figures of one network."""
    from neurobin.counting import count, find_convention
    from neurobin.counting.neurobench import neurobench

    counted = count(graph, find_convention(convention))
    answer = _figures(name, counted) | {
        "params_by_bits": {str(bits): found for bits, found in counted.params_by_bits.items()},
        "map_bits_read": counted.map_bits_read,
        "map_bits_written": counted.map_bits_written,
        "neurobench": neurobench(graph, split_images(graph, images).images if images else None).to_dict(),
    }
    return answer | ({"tnet": _tnet(graph)} if convention == "tnet" else {})


def _tnet(graph: Graph) -> dict[str, object]:
    from hwmodels.tnet import tnet_energy
    from neurobin.counting.tnet import tnet

    counts = tnet(graph)
    energy = tnet_energy(counts)
    return {**vars(counts), "weights_j": energy.weights_j, "maps_j": energy.maps_j, "compute_j": energy.compute_j,
            "total_j": energy.total_j}  # fmt: skip


def _lines(name: str, graph: Graph, answer: dict[str, object]) -> list[str]:
    from neurobin.nets import published
    from neurobin.units import format_si

    title = str(graph.meta.get("title") or name)
    lines = [
        f"{title}, counted as {answer['convention']}",
        f"parameters  {answer['params']:,}",
        f"size        {answer['size_mib']:.3f} MiB = {answer['size_mb']:.3f} MB",
        f"BOPs        {answer['bops']:.4g}",
        f"FLOPs       {answer['flops']:.4g}  (multiply-accumulates)",
        f"OPs         {answer['ops']:.4g}  (BOPs / 64 + FLOPs)",
        f"maps        {answer['map_bits_read']:,} bits read, {answer['map_bits_written']:,} bits written",
    ]
    tnet = answer.get("tnet")
    if isinstance(tnet, dict):
        parts = {part: format_si(float(tnet[f"{part}_j"]), "J", 5) for part in ("weights", "maps", "compute", "total")}
        lines.append("energy      " + ", ".join(f"{part} {energy}" for part, energy in parts.items()))
    if name in published.architectures():
        found = published.find(name)
        lines += [f"source      {found.source}", *(f"note        {text}" for text in found.notes)]
    return lines


def _table(convention: str, stem: str | None, as_json: bool) -> None:
    """A row per architecture; with `stem` only those that were published with it."""
    from analyses.table import Column, table
    from neurobin.counting import count, find_convention
    from neurobin.nets import published
    from neurobin.zoo.untrained import untrained
    from reports.terminal import plain

    chosen: Sequence[str] = [n for n in published.names() if stem is None or stem in published.find(n).stems]
    if not chosen:
        raise UsageError(f"no architecture was published with stem {stem!r}", hint="7x7 or grouped")
    rule = find_convention(convention)
    rows = [_figures(name, count(untrained(name, stem=stem), rule)) for name in track(chosen, "counting", as_json)]
    if as_json:
        emit_json({"schema": "neurobin.count/1", "convention": convention, "rows": rows})
        return
    keys = ("net", "params", "size_mib", "bops", "flops", "ops")
    shown: list[dict[str, str | int | float | bool | None]] = [{key: row[key] for key in keys} for row in rows]
    columns = [Column("net", "net"), Column("params", "parameters", "1"), Column("size_mib", "size MiB"),
               Column("bops", "BOPs", "1"), Column("flops", "FLOPs", "1"), Column("ops", "OPs", "1")]  # fmt: skip
    note(f"{len(rows)} architectures, counted as {convention}: {rule.summary}")
    show(plain(table("Published architectures", columns, shown)))

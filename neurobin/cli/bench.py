"""`neurobin bench`: what this CPU can do at most, what the kernels reach of it, and how fast a network runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from neurobin.cli._common import emit_json, images_to_execute, json_option, note, show, track
from neurobin.cli._imported import Import, deployed, import_options
from neurobin.errors import NeurobinError, UsageError

if TYPE_CHECKING:
    from analyses.table import Cell
    from neurobin.exec.kernels.machine import Backend
    from neurobin.ir import Json

T = TypeVar("T")
EPILOG = """\b
Examples:
  neurobin bench --machine
  neurobin bench bnn_digits
  neurobin bench birealnet18 --backend avx512 --threads 2 --batch 32 --json
"""
IMAGES, MOST = 4, 65536


@click.command("bench", epilog=EPILOG)
@click.argument("model", metavar="[MODEL]", required=False)
@click.option("--machine", "whole", is_flag=True, help="The limits of this CPU, and what the kernels reach of them.")
@click.option("--images", type=click.IntRange(1, MOST), metavar="N",
              help=f"Different images to run, each compared with the reference. Default: {IMAGES}.")  # fmt: skip
@click.option("--batch", type=click.IntRange(1, MOST), metavar="N",
              help="Images at a time, besides one by one. Default: as many as suit, up to 64.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 1024), metavar="N", help="Default: 1.")
@click.option("--backend", metavar="NAME", help="One back end only. Default: NEUROBIN_BACKEND, else all that run here.")
@import_options
@json_option
def command(
    model: str | None, whole: bool, images: int | None, batch: int | None, threads: int | None, backend: str | None,
    how: Import, as_json: bool,
) -> None:  # fmt: skip
    """Time MODEL on every back end, or show what this CPU can do (--machine).

    MODEL runs one image at a time and in batches; its outputs are compared with the reference (exit code 5 when they
    differ). --machine measures how fast this CPU issues the instructions that binary networks are made of. That limits the
    operations per second, two per multiply-accumulate; kernels and whole layers are shown as a share of their limit.
    """
    if whole == (model is not None):
        raise UsageError("expected one network, or --machine", hint="neurobin bench --machine")
    chosen = _back_ends(backend)
    if model is not None:
        _network(model, how, chosen, (images or IMAGES, batch, threads or 1), as_json)
        return
    if images or batch or threads:
        raise UsageError("--images, --batch and --threads time a network", hint="neurobin bench bnn_digits --batch 32")
    _machine(chosen, as_json)


def _back_ends(name: str | None) -> tuple[Backend, ...]:
    """The one asked for, else all that run here, best first. Raises UsageError and UnsupportedError."""
    from neurobin.exec.kernels import machine

    if not name:
        return (machine.backend(),) if os.environ.get(machine.VARIABLE) else machine.available()
    try:
        return (machine.backend(name),)
    except NeurobinError as error:
        raise type(error)(error.what, where="--backend", hint=error.hint) from None


Amounts = tuple[int, int | None, int]  # different images, batch, threads


def _network(model: str, how: Import, chosen: Sequence[Backend], amounts: Amounts, as_json: bool) -> None:
    from neurobin.exec import reference
    from neurobin.exec.limits.host import host
    from neurobin.exec.limits.network import timing

    count, batch, threads = amounts
    graph = deployed(model, how)
    images, real = images_to_execute(graph, count)
    found, x = host(), images[:count]
    if threads > found.cores_usable:
        note(f"{threads} threads share {found.cores_usable} {'core' if found.cores_usable == 1 else 'cores'}")
    if not found.llvm:
        note("llvmlite is not installed: numpy is the only back end")
    expected = reference.run(graph, x)
    timed = [timing(graph, b, x, expected, batch, threads) for b in track(chosen, "timing", quiet=as_json)]
    rows = [each.to_dict() for each in timed]
    if as_json:
        emit_json({"schema": "neurobin.bench/1", "model": model, "images": len(x), "real_images": real, "threads": threads,
                   "clock": "wall time", "rows": rows})  # fmt: skip
        return
    equal = f"Outputs equal the reference's on {len(x)} {'image' if len(x) == 1 else 'images'}."
    _show_network(f"{model}, {threads} {'thread' if threads == 1 else 'threads'}, median wall time", rows, equal)
    for each in timed:
        if each.in_numpy:
            note(f"{each.back_end}: in numpy, for want of a kernel: {', '.join(each.in_numpy)}")


def _machine(chosen: Sequence[Backend], as_json: bool) -> None:
    from neurobin.exec.kernels.machine import NUMPY
    from neurobin.exec.limits.host import host
    from neurobin.exec.limits.machine import measured

    def watch(items: Sequence[T], what: str) -> Iterable[T]:
        return track(items, what, quiet=as_json)

    if not host().llvm:
        note("llvmlite is not installed: nothing can be compiled to measure this CPU's limits, numpy is the only back end")
    elif chosen == (NUMPY,):
        note("numpy has no kernels of its own: only whole layers are timed")
    answer = measured(chosen, watch)
    if as_json:
        emit_json({"schema": "neurobin.machine/1", **answer})
        return
    _show_host(answer)
    _show_limits(_rows(answer["limits"]), str(answer["clock"]))
    _show_kernels(_rows(answer["kernels"]))
    _show_layers(_rows(answer["layers"]))
    _show_ratios(_rows(answer["ternary_binary"]))


# Tables

Row = dict[str, "Cell"]


def _rows(listed: Json) -> list[Row]:
    """A list of objects as rows of plain cells."""
    assert isinstance(listed, list)
    return [{key: cell for key, cell in row.items() if not isinstance(cell, dict | list)} for row in listed
            if isinstance(row, dict)]  # fmt: skip


def _show(title: str, columns: Sequence[tuple[str, ...]], rows: Iterable[Mapping[str, Cell]], about: str = "") -> None:
    """A table of some cells of each row; columns as (name, label, unit, missing). Nothing where there are no rows."""
    from analyses.table import Column, table
    from reports.terminal import plain

    chosen = [Column(*column) for column in columns]
    if cells := [{column.name: row.get(column.name) for column in chosen} for row in rows]:
        show(plain(table(title, chosen, cells, about)))


def _rounded(value: Cell) -> Cell:
    """Numbers of four digits and more without decimals."""
    return round(value) if isinstance(value, float) and value >= 1000 else value


def _giga(value: Cell) -> Cell:
    """In billions."""
    return None if not isinstance(value, int | float) else _rounded(value / 1e9)


def _show_network(title: str, rows: Sequence[Mapping[str, Json]], about: str) -> None:
    columns = (
        ("backend", "back end"), ("latency image_s", "one image", "s"), ("latency images_per_s", "images/s", "1"),
        ("throughput batch", "batch", "1"), ("throughput image_s", "per image", "s"),
        ("throughput images_per_s", "images/s", "1"), ("first_result_s", "first result", "s"),
        ("kernels_compiled", "compiled", "1"), ("kernels_loaded", "from cache", "1"),
        ("memory arena_bytes", "tensors, one image", "B"), ("memory constant_bytes", "weights and tables", "B"),
    )  # fmt: skip
    flat: list[Row] = []
    for row in rows:
        cells: Row = {}
        for key, value in row.items():
            inner = value.items() if isinstance(value, dict) else ()
            cells |= {f"{key} {name}": _rounded(cell) for name, cell in inner if not isinstance(cell, dict | list)}
            if not isinstance(value, dict | list):
                cells[key] = value
        flat.append(cells)
    _show(title, columns, flat, about)


def _show_host(answer: Mapping[str, Json]) -> None:
    from neurobin.units import format_bytes

    host, sets = answer["host"], _rows(answer["instruction_sets"])
    assert isinstance(host, dict)
    caches = [f"{cache['cache']} {format_bytes(float(str(cache['bytes'])))}" for cache in _rows(host["caches"])]
    found, lacking = (" ".join(str(s["name"]) for s in sets if s["found"] is wanted) for wanted in (True, False))
    facts = {
        "processor": host["cpu"],
        "architecture": ", to LLVM ".join(filter(None, (str(host["architecture"]), str(host["kind"])))),
        "cores": f"{host['cores']}, {host['cores_usable']} of them for this process",
        "caches": ", ".join(caches) or "not known",
        "instruction sets": found or "not known",
        "it lacks": lacking or ("none of interest" if found else "not known"),
    }
    rows: list[Row] = [{"what": what, "value": str(value)} for what, value in facts.items()]
    _show("Computer", (("what", "what"), ("value", "value")), rows)
    states = [{**b, "state": "in use" if b["chosen"] else "possible" if b["available"] else "not here"}
              for b in _rows(answer["backends"])]  # fmt: skip
    _show("Back ends", (("name", "back end"), ("state", "state"), ("reason", "why")), states)


def _show_limits(rows: Sequence[Row], clock: str) -> None:
    columns = (
        ("name", "limit"), ("what", "step"), ("instructions", "instructions/s", "G/s", "not available"),
        ("ops", "limit", "GOPS"), ("sustained_ops", "sustained", "GOPS"), ("step_cycles", "a step", "cycle"),
        ("clock_hz", "clock", "Hz"), ("formula", "limit of steps/s x"),
    )  # fmt: skip
    shown = []
    for row in rows:
        rates = {name: _giga(row[f"{name}_per_s"]) for name in ("instructions", "ops", "sustained_ops")}
        cycles = row["step_cycles"]
        shown.append({
            **row, **rates, "step_cycles": round(cycles, 2) if isinstance(cycles, float) else cycles,
            "formula": row["missing"] or str(row["formula"]).removesuffix(" x steps/s"),
        })  # fmt: skip
    about = (
        f"One core, {clock}, best of many short turns; sustained: 30 ms and more without a pause. 2 operations per "
        "multiply-accumulate. The clock, and with it the cycles of a step, comes from a chain of known cycles: beside tiles "
        "and vectors of 512 bits, which slow it down, otherwise in turns."
    )
    _show("Limits", columns, shown, about)


def _reached(row: Row) -> str:
    """Operations per second and, where there is a limit, the share of it."""
    rate, share = _giga(row["ops_per_s"]), row["share"]
    shown = f"{rate:.4g} GOPS"
    return f"{shown:>10}, {share:6.1%}" if isinstance(share, float) else shown


def _show_kernels(rows: Sequence[Row]) -> None:
    """A row per kernel, a column per kind of operands."""
    operands = list(dict.fromkeys(str(row["operands"]) for row in rows))
    merged: dict[str, Row] = {}
    for row in rows:
        merged.setdefault(str(row["kernel"]), dict(row))[str(row["operands"])] = _reached(row)
    columns = [("backend", "back end"), ("kernel", "micro-kernel"), ("limit", "limit"), *((name, name) for name in operands)]
    about = (
        "60 or 64 rows x 64 channels, all sums checked; so many products to a sum (a window has 9 x 64). The share of the "
        "limit is the median over turns of both, one after the other."
    )
    _show("Micro-kernels", columns, merged.values(), about)


def _show_layers(rows: Sequence[Row]) -> None:
    columns = (("backend", "back end"), ("layer", "3x3 convolution"), ("time_s", "time", "s"), ("ops", "speed", "GOPS"),
               ("limit", "limit"), ("share", "share", "share"))  # fmt: skip
    about = "One image, one thread, from bytes to exact sums in 16 bits, which are checked; padding counted as work."
    _show("Layers", columns, [{**row, "ops": _giga(row["ops_per_s"])} for row in rows], about)


def _show_ratios(rows: Sequence[Row]) -> None:
    columns = (("backend", "back end"), ("ternary", "ternary x binary"), ("binary", "binary x binary"),
               ("operands", "operands"), ("ratio", "speed of the first / the second", "share"))  # fmt: skip
    _show("Ternary weights against binary ones", columns, rows)

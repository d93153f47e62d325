"""`neurobin methods`: the papers, as compositions of blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from neurobin.cli._common import emit_json, json_option
from neurobin.cli._common import show as show_table

if TYPE_CHECKING:
    from neurobin.methods import Method


@click.group(
    "methods", invoke_without_command=True, epilog="Examples:  neurobin methods --json    neurobin methods show xnornet"
)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the methods of the literature, or show one."""
    if context.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("--json belongs behind the subcommand: neurobin methods show bnn --json")
        return
    from analyses.table import Column, table
    from neurobin.methods import load_method, method_names
    from reports.terminal import plain

    found = sorted((load_method(name) for name in method_names()), key=lambda method: (method.year, method.name))
    if as_json:
        emit_json({"schema": "neurobin.methods/1", "methods": [_summary(method) for method in found]})
        return
    rows = [
        {"method": m.name, "title": m.title, "year": str(m.year), "weights": m.weights, "activations": m.activations}
        for m in found
    ]
    show_table(plain(table("Methods", [Column(key, key) for key in rows[0]], rows)))


@command.command("show", epilog="Example:  neurobin methods show xnornet")
@click.argument("name", metavar="METHOD")
@json_option
def show(name: str, as_json: bool) -> None:
    """Print what a method does, where it comes from, and what its zoo networks reach."""
    from neurobin.methods import load_method

    method = load_method(name)
    if as_json:
        emit_json({"schema": "neurobin.method/1", **_summary(method)})
        return
    lines = [
        f"{method.title} ({method.name})",
        method.citation,
        "",
        f"weights       {method.weights}",
        f"activations   {method.activations}",
        f"first layer   {method.first}",
        f"last layer    {method.last}",
        f"blocks        {'; '.join(method.blocks)}",
        f"deployed as   {_precision(method)}",
    ]
    lines += [f"published     {p.accuracy_percent:.2f} % on {p.network} ({p.source})" for p in method.literature_accuracy]
    lines += [f"zoo           {model}: {_percent(accuracy)}" for model, accuracy in _measured(name).items()]
    lines += [f"note          {text}" for text in method.notes]
    click.echo("\n".join(lines))


def _summary(method: Method) -> dict[str, object]:
    measured = _measured(method.name)
    model, accuracy = next(iter(measured.items()), (None, None))
    return {
        "name": method.name,
        "title": method.title,
        "paper": method.paper,
        "year": method.year,
        "citation": method.citation,
        "blocks": list(method.blocks),
        "weights": method.weights,
        "activations": method.activations,
        "model": model,
        "dataset": model.removeprefix(f"{method.name}_") if model else None,
        "accuracy": accuracy,
        "published": [vars(published) for published in method.literature_accuracy],
        "notes": list(method.notes),
    }


def _precision(method: Method) -> str:
    p = method.precision
    return f"what stays real: {p.weight_bits}-bit weights, {p.activation_bits}-bit operands, {p.map_bits}-bit maps"


def _measured(method: str) -> dict[str, dict[str, float]]:
    """Accuracies of the zoo's networks of this method, by network."""
    from neurobin import zoo

    metas = {name: zoo.load(name).meta for name in zoo.names()}
    kept = {name: meta.get("accuracy") for name, meta in metas.items() if meta.get("method") == method}
    return {name: {k: float(str(v)) for k, v in a.items()} for name, a in kept.items() if isinstance(a, dict)}


def _percent(accuracy: dict[str, float]) -> str:
    return ", ".join(f"{stage} {100 * share:.2f} %" for stage, share in accuracy.items())

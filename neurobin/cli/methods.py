"""`neurobin methods`: the papers, as compositions of blocks, and what their networks reach and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from neurobin.cli._common import emit_json, json_option
from neurobin.cli._common import show as show_table

if TYPE_CHECKING:
    from neurobin.methods import Method

_SMALL = "The zoo's network is small and trained for few epochs with a schedule of our own, whatever the paper's."


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
    from analyses.methods import listed, overview
    from neurobin.methods import load_method, method_names
    from reports.terminal import plain

    found = sorted((load_method(name) for name in method_names()), key=lambda method: (method.year, method.name))
    if as_json:
        emit_json({"schema": "neurobin.methods/2", "methods": [listed(method) for method in found]})
    else:
        show_table(plain(overview(found)))


@command.command("show", epilog="Example:  neurobin methods show xnornet")
@click.argument("name", metavar="METHOD")
@json_option
def show(name: str, as_json: bool) -> None:
    """Print METHOD's page: formulas, blocks, what deployment costs and why, accuracies, targets or the reasons against."""
    from analyses.methods import described, listed
    from neurobin.methods import load_method

    method = load_method(name)
    if as_json:
        emit_json({"schema": "neurobin.method/2", **listed(method), **described(method)})
        return
    _page(method)


def _page(method: Method) -> None:
    from analyses.deployment import deployment
    from analyses.methods import accuracy_table, block_table, network, target_table
    from neurobin import zoo
    from neurobin.methods.describe import training
    from reports.terminal import plain

    p = method.precision
    lines = [
        f"{method.title} ({method.name})",
        method.citation,
        "",
        f"weights       {method.weights}",
        f"activations   {method.activations}",
        f"first layer   {method.first}",
        f"last layer    {method.last}",
        f"blocks        {'; '.join(method.blocks)}",
        f"what is real  {p.weight_bits}-bit weights, {p.activation_bits}-bit operands, {p.map_bits}-bit maps when deployed",
    ]
    lines += [f"published     {a.accuracy_percent:.2f} % on {a.network} ({a.source})" for a in method.literature_accuracy]
    lines += [f"note          {text}" for text in (*method.notes, _SMALL)]
    lines.append(f"trained with  {training(method.recipe)}")
    click.echo("\n".join(lines))
    show_table(plain(block_table(method)))
    name = network(method.name)
    if name is None:
        click.echo("No network of the zoo was trained with this method.")
        return
    show_table(plain(accuracy_table(method.name)))
    show_table(plain(deployment(zoo.load(name))))
    show_table(plain(target_table(name)))

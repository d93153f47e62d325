"""`neurobin validate`: reference == packed == mapped execution, integer for integer."""

from __future__ import annotations

import click

from neurobin.cli._common import (
    emit_json,
    images_to_execute,
    json_option,
    load_model,
    load_targets,
    note,
    require_deployed,
    show,
    target_option,
    track,
)
from neurobin.errors import MismatchError, UsageError


@click.command("validate", epilog="Example:  neurobin validate --all --target all --json")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--all", "everything", is_flag=True, help="Every network of the zoo.")
@click.option("--images", "count", type=click.IntRange(min=1), help="How many images of the test split (default: all).")
@target_option("all")
@json_option
def command(
    models: tuple[str, ...], everything: bool, count: int | None, targets: tuple[str, ...], overrides: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Check that reference, packed and mapped execution give the same integers; exit code 5 when they do not."""
    from analyses.evaluate import activity_of, check, evaluate
    from neurobin import zoo
    from reports.terminal import validate

    names = zoo.names() if everything else list(models)
    if not names:
        raise UsageError("no model given", hint="neurobin validate --all")
    chips = load_targets(targets, overrides)
    pairs = []
    for name in track(names, "validating", quiet=as_json):
        graph = require_deployed(load_model(name), name)
        images, real = images_to_execute(graph, count)
        checked = check(graph, images)
        activity = activity_of(graph, images if real else None)
        pairs += [evaluate(name, graph, chip, activity, checked).pair for chip in chips]
    mismatches = sum(pair.mismatches for pair in pairs)
    if as_json:
        listed = [pair.to_dict() for pair in pairs]
        emit_json({"schema": "neurobin.validate/1", "mismatches": mismatches, "pairs": list(listed)})
    else:
        show(validate(pairs))
    if mismatches:
        raise MismatchError(f"{mismatches} integers differ from the reference")
    equal = sum(pair.status == "equal" for pair in pairs)
    note(f"{equal} pairs equal, {len(pairs) - equal} refused, 0 mismatches")

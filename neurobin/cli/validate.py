"""`neurobin validate`: reference == packed == mapped execution, integer for integer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from neurobin.cli._common import (
    emit_json,
    json_option,
    load_targets,
    note,
    show,
    target_option,
    track,
)
from neurobin.cli._images import chosen_images, images_option
from neurobin.cli._imported import Import, deployed, import_options
from neurobin.cli._processes import map_in_processes, processes_option
from neurobin.errors import MismatchError, UsageError

if TYPE_CHECKING:
    from analyses.results import Pair
    from hwmodels.target import Mapping, Target
    from neurobin.cli._images import ImageCount
    from neurobin.ir import Graph


@dataclass(frozen=True, eq=False)
class Job:
    """A network, how many images to execute, and where."""

    model: str
    graph: Graph
    count: ImageCount
    targets: Sequence[Target[Mapping]]


@click.command("validate", epilog="Example:  neurobin validate --all --target all --json")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--all", "everything", is_flag=True, help="Every network of the zoo.")
@images_option(least=1)
@processes_option
@target_option("all")
@import_options
@json_option
def command(
    models: tuple[str, ...], everything: bool, count: ImageCount, processes: int | None, targets: tuple[str, ...],
    overrides: tuple[str, ...], how: Import, as_json: bool,
) -> None:  # fmt: skip
    """Check that reference, packed and mapped execution give the same integers; exit code 5 when they do not.

    With -t none, only the engines are held against each other.
    """
    from neurobin import zoo
    from reports.terminal import validate

    names = zoo.names() if everything else list(models)
    if not names:
        raise UsageError("no model given", hint="neurobin validate --all")
    chips = [] if targets == ("none",) else load_targets(targets, overrides)
    jobs = [Job(name, deployed(name, how), count, chips) for name in names]
    answers = map_in_processes(_validated, jobs, processes)
    pairs = [pair for _, found in zip(track(jobs, "validating", quiet=as_json), answers, strict=True) for pair in found]
    mismatches = sum(pair.mismatches for pair in pairs)
    if as_json:
        listed = [pair.to_dict() for pair in pairs]
        emit_json({"schema": "neurobin.validate/1", "mismatches": mismatches, "pairs": list(listed)})
    else:
        show(validate(pairs))
    if mismatches:
        raise MismatchError(f"{mismatches} integers differ from the reference")
    equal = sum(pair.status == "equal" for pair in pairs)
    note(f"{equal} {'pair' if equal == 1 else 'pairs'} equal, {len(pairs) - equal} refused, 0 mismatches")


def _validated(job: Job) -> list[Pair]:
    """What a process does for one network."""
    from analyses.evaluate import activity_of, check, engines, evaluate

    images, split = chosen_images(job.graph, job.count)
    checked = check(job.graph, images)
    if not job.targets:
        return [engines(job.model, checked)]
    activity = activity_of(job.graph, split)
    return [evaluate(job.model, job.graph, target, activity, checked).pair for target in job.targets]

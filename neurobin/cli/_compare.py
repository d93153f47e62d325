"""Every model on every target, as one `Comparison`."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Mapping as MappingOf
from datetime import UTC, datetime

from analyses.evaluate import ACTIVITY_IMAGES, activity_of, check, evaluate, model_info
from analyses.results import Comparison, TargetInfo
from hwmodels.target import Mapping, Target, constants
from neurobin.cli._common import images_at_hand, images_to_execute, track
from neurobin.errors import DoesNotFitError
from neurobin.ir import Graph


def compare(
    graphs: MappingOf[str, Graph],
    targets: list[Target[Mapping]],
    *,
    images: int | None = None,
    trace: bool = False,
    quiet: bool = True,
) -> Comparison:
    """Price and (unless `images` is 0) execute every model on every target, with `images` of the test split."""
    results = []
    for name, graph in track(list(graphs.items()), "comparing", quiet=quiet):
        if images == 0:
            checked, activity = None, activity_of(graph, images_at_hand(graph, ACTIVITY_IMAGES))
        else:
            data, real = images_to_execute(graph, images)
            checked, activity = check(graph, data), activity_of(graph, data if real else None)
        results += [evaluate(name, graph, target, activity, checked, trace=trace) for target in targets]
    return Comparison(
        models=tuple(model_info(name, graph) for name, graph in graphs.items()),
        results=tuple(results),
        chips={target.name: tuple(constants(target.chip).items()) for target in targets},
        command=" ".join(["neurobin", *sys.argv[1:]]),
        versions=versions(),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        about=tuple(_about(target) for target in targets),
    )


def _about(target: Target[Mapping]) -> TargetInfo:
    words = {name: str(getattr(target.chip, name, "")) for name in ("family", "description")}
    return TargetInfo(target.name, **words)


def versions() -> dict[str, str]:
    """What computed the figures."""
    packages = {name: importlib.metadata.version(name) for name in ("neurobin", "numpy", "simpy", "plotly")}
    return {"python": platform.python_version(), **packages}


def require_one_fit(comparison: Comparison) -> None:
    """Raises DoesNotFitError with every reason when no pair was accepted."""
    if comparison.results and all(result.report is None for result in comparison.results):
        raise DoesNotFitError(
            ", ".join(comparison.targets),
            [f"{r.model} on {r.target}: {reason}" for r in comparison.results for reason in r.pair.reasons],
        )

"""Every model on every target, as one `Comparison`, in one process or several."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from analyses.evaluate import ACTIVITY_IMAGES, activity_of, check, evaluate, model_info
from analyses.results import Comparison, ModelInfo, PairResult, TargetInfo
from hwmodels.target import Mapping, Target, constants
from neurobin import zoo
from neurobin.cli._common import images_at_hand, track
from neurobin.cli._images import ImageCount, chosen_images
from neurobin.cli._processes import map_in_processes
from neurobin.errors import DoesNotFitError
from neurobin.ir import Graph


@dataclass(frozen=True, eq=False)
class Images:
    """What a network is executed on (None: it is not), what its activity is measured on, and the size of the test split."""

    executed: np.ndarray | None
    activity: np.ndarray | None
    test_images: int | None


@dataclass(frozen=True, eq=False)
class Job:
    """One network on all targets: what a worker process gets."""

    name: str
    graph: Graph
    images: Images
    targets: Sequence[Target[Mapping]]
    trace: bool


def compare(
    graphs: MappingOf[str, Graph],
    targets: list[Target[Mapping]],
    *,
    images: ImageCount = "all",
    traces: bool = False,
    literature: bool = False,
    quiet: bool = True,
    processes: int | None = 1,
) -> Comparison:
    """Price and (unless `images` is 0) execute every model on every target, with `images` of the test split.

    `traces`: what every target did when. `literature`: what is known of the methods' papers and seeds. `processes` None: two
    where that is worth it. The result does not depend on it.
    """
    known: dict[tuple[str, str], Images] = {}
    jobs = []
    for name, graph in graphs.items():
        key = (str(graph.meta.get("dataset", name)), str(graph.inputs[graph.input]))
        if key not in known:
            known[key] = _images(graph, images)
        jobs.append(Job(name, graph, known[key], targets, traces))
    answers = map_in_processes(_evaluate, jobs, processes)
    found = [results for _, results in zip(track(jobs, "comparing", quiet=quiet), answers, strict=True)]
    return Comparison(
        models=tuple(_model(job, literature) for job in jobs),
        results=tuple(result for results in found for result in results),
        chips={target.name: tuple(constants(target.chip).items()) for target in targets},
        command=" ".join(["neurobin", *sys.argv[1:]]),
        versions=versions(),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        about=tuple(_about(target) for target in targets),
    )


def _images(graph: Graph, count: ImageCount) -> Images:
    if count == 0:
        return Images(None, images_at_hand(graph, ACTIVITY_IMAGES), None)
    executed, split = chosen_images(graph, count)
    return Images(executed, None, 0) if split is None else Images(executed, split[:ACTIVITY_IMAGES], len(split))


def _evaluate(job: Job) -> tuple[PairResult, ...]:
    checked = None if job.images.executed is None else check(job.graph, job.images.executed)
    activity = activity_of(job.graph, job.images.activity)
    return tuple(evaluate(job.name, job.graph, target, activity, checked, trace=job.trace) for target in job.targets)


def _model(job: Job, literature: bool) -> ModelInfo:
    info = replace(model_info(job.name, job.graph), test_images=job.images.test_images)
    if not literature:
        return info
    from analyses import methods

    seeds = tuple((shares["torch"], shares["deployed"]) for _, shares in sorted(zoo.seeds(job.name).items()))
    return replace(info, literature=methods.literature(info.method), seeds=seeds)


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

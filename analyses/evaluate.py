"""Runs models on targets and returns plain results: map, price, simulate, execute, compare. No plotting, no printing."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace

import numpy as np

from analyses.deployment import operands
from analyses.results import ModelInfo, Pair, PairResult
from analyses.table import Cell
from analyses.work import parameter_counts, work_table
from hwmodels.target import Mapping, Target
from neurobin.data.random_images import random_images
from neurobin.errors import DoesNotFitError
from neurobin.exec import packed, reference
from neurobin.exec.activity import Activity, from_summary, measure
from neurobin.exec.compare import first_divergence
from neurobin.ir import Graph, Json, to_text

ACTIVITY_IMAGES = 128


@dataclass(frozen=True, eq=False)
class Checked:
    """What the reference engine says about a batch, and whether the packed engine agrees with it."""

    images: np.ndarray
    outputs: np.ndarray
    packed_mismatches: int
    divergence: str


def check(graph: Graph, images: np.ndarray) -> Checked:
    """Run both engines on raw images [N, ...]; `divergence` names the first node where they part."""
    outputs = np.concatenate([reference.run(graph, images[k : k + 256]) for k in range(0, len(images), 256)])
    wrong = np.argwhere(packed.run(graph, images) != outputs)
    divergence = ""
    if len(wrong):
        image = int(wrong[0, 0])
        divergence = str(first_divergence(graph, images[image : image + 1]))
    return Checked(images, outputs, len(wrong), divergence)


def engines(name: str, checked: Checked) -> Pair:
    """The packed engine against the reference, without any target."""
    wrong = checked.packed_mismatches
    reasons = (checked.divergence,) if checked.divergence else ()
    return Pair(name, "packed", "mismatch" if wrong else "equal", len(checked.images), wrong, reasons)


def activity_of(graph: Graph, images: np.ndarray | None) -> Activity:
    """Bit activity measured on images where there are any, else the mean rates kept in the model file, else on noise."""
    if images is not None and len(images):
        return measure(graph, images[:ACTIVITY_IMAGES])
    noise = random_images(graph.inputs[graph.input])
    return from_summary(graph) or replace(measure(graph, noise), source="measured on random images, for want of real ones")


def evaluate(
    name: str, graph: Graph, target: Target[Mapping], activity: Activity, checked: Checked | None, *, trace: bool = False
) -> PairResult:
    """One model on one target. A graph that does not fit comes back as refused, with every reason."""
    try:
        mapping = target.map(graph)
    except DoesNotFitError as error:
        refused = Pair(name, target.name, "refused", reasons=tuple(error.reasons))
        return PairResult(name, target.name, None, (), (), (), {}, None, refused)
    return PairResult(
        model=name,
        target=target.name,
        report=target.estimate(mapping, activity),
        resources=mapping.resources,
        steps=mapping.steps,
        spans=mapping.spans,
        summary=mapping.summary(),
        trace=target.simulate(mapping, activity) if trace else None,
        pair=Pair(name, target.name, "not run") if checked is None else _pair(name, target, mapping, checked),
        placement=_cores(mapping),
    )


def _cores(mapping: Mapping) -> tuple[MappingOf[str, Cell], ...]:
    """A row per core where the mapping has a grid of cores; other families mean other things by `placement`."""
    rows = getattr(mapping, "placement", None)
    return tuple(rows) if isinstance(rows, list) else ()


def _pair(name: str, target: Target[Mapping], mapping: Mapping, checked: Checked) -> Pair:
    """Executes the mapped artefact on the checked images; every differing integer counts, the packed engine's too."""
    values = target.execute(mapping, checked.images)
    wrong = np.argwhere(values != checked.outputs)
    reasons = [checked.divergence] if checked.divergence else []
    if len(wrong):
        index = tuple(int(k) for k in wrong[0])
        reasons.append(f"image {index[0]}, output {index[1:]}: expected {checked.outputs[index]}, got {values[index]}")
    mismatches = len(wrong) + checked.packed_mismatches
    return Pair(name, target.name, "mismatch" if mismatches else "equal", len(checked.images), mismatches, tuple(reasons))


def model_info(name: str, graph: Graph) -> ModelInfo:
    """What the model file says about itself, and the counts of its deployed graph."""
    meta = graph.meta
    accuracy = meta.get("accuracy")
    flipped, first = _deviation(meta.get("deviation"))
    return ModelInfo(
        name=name,
        method=_text(meta, "method"),
        title=_text(meta, "title") or name,
        dataset=_text(meta, "dataset"),
        accuracy_torch=_number(accuracy, "torch"),
        accuracy_float=_number(accuracy, "float"),
        accuracy_deployed=_number(accuracy, "deployed"),
        map_torch=_number(meta.get("mean_average_precision"), "torch"),
        map_deployed=_number(meta.get("mean_average_precision"), "deployed"),
        parameters=parameter_counts(graph),
        graph_text=to_text(graph),
        command=_text(meta, "command"),
        seed=_whole(meta, "seed"),
        epochs=_whole(meta, "epochs"),
        citation=_text(meta, "citation"),
        codes_flipped=flipped,
        first_flip=first,
        work=work_table(graph),
        operands=operands(graph),
    )


def _deviation(kept: Json) -> tuple[float | None, str]:
    """Share of flipped codes and the first node with one, from what `neurobin.exec.deviation` measured at lowering."""
    flips = kept.get("flips") if isinstance(kept, dict) else None
    rows = [row for row in flips if isinstance(row, dict)] if isinstance(flips, list) else []
    elements = sum(_number(row, "elements") or 0.0 for row in rows)
    changed = [row for row in rows if _number(row, "flipped")]
    share = sum(_number(row, "flipped") or 0.0 for row in changed) / elements if elements else None
    return share, str(changed[0].get("node", "")) if changed else ""


def _text(meta: MappingOf[str, Json], key: str) -> str:
    value = meta.get(key)
    return value if isinstance(value, str) else ""


def _whole(meta: MappingOf[str, Json], key: str) -> int | None:
    value = meta.get(key)
    return value if isinstance(value, int) else None


def _number(values: Json, key: str) -> float | None:
    value = values.get(key) if isinstance(values, dict) else None
    return float(value) if isinstance(value, int | float) else None

"""What the commands share: options, models and targets by name, images, output in one place."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analyses.text import visible
from neurobin.errors import UsageError, nearest

if TYPE_CHECKING:
    import numpy as np
    from rich.console import RenderableType

    from hwmodels.target import Mapping, Target
    from neurobin.data import Dataset
    from neurobin.ir import Graph, Json
    from neurobin.nets.task import Goal

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")


def target_option(default: str) -> Callable[[F], F]:
    """--target NAME (repeatable), a chip, a chip file or "all"; --set overrides constants."""
    which = click.option(
        "--target", "-t", "targets", multiple=True, default=(default,), show_default=True, metavar="TARGET",
        help='Chip name, chip file (.toml) or "all"; may be repeated.',
    )  # fmt: skip
    change = click.option(
        "--set", "overrides", multiple=True, metavar="PATH=VALUE",
        help="Replace a constant of the chip file, e.g. --set supply=1.8; shows up in the provenance.",
    )  # fmt: skip
    return lambda command: which(change(command))


def load_targets(names: tuple[str, ...], overrides: tuple[str, ...] = ()) -> list[Target[Mapping]]:
    """The targets by name, each once, in the order asked for. Raises UsageError for what is not known."""
    from hwmodels.target import chip_names, load_target

    wanted = [chip for name in names for chip in (chip_names() if name == "all" else [name])]
    values = dict(_override(text) for text in overrides)
    return [load_target(name, values) for name in dict.fromkeys(wanted)]


def _override(text: str) -> tuple[str, float]:
    path, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"expected PATH=NUMBER in SI units, got {text!r}")
    return path, number


def load_model(name: str) -> Graph:
    """A network of the zoo by name, or a published architecture with random weights. Raises UsageError for other names."""
    from neurobin import zoo

    if name in zoo.names():
        return zoo.load(name)
    from neurobin.nets import published  # torch, only when the name is none of the zoo

    if name not in published.names():
        raise unknown_network(name)
    from neurobin.zoo.untrained import deployed

    note(f"{name}: untrained, with random weights; its costs are those of the architecture, its answers mean nothing")
    return deployed(name)


def unknown_network(name: str) -> UsageError:
    """What to say of a name that is neither in the zoo nor a published architecture: the nearest one of both."""
    from neurobin import zoo
    from neurobin.nets import published

    otherwise = "neurobin zoo lists the networks, neurobin count --all the architectures; a file has a suffix or a folder"
    hint = nearest(name, [*zoo.names(), *published.names()], otherwise)
    return UsageError(f"no network of the zoo or architecture is called {name!r}", hint=hint)


@dataclass(frozen=True)
class LabelledImages:
    """Raw images [N, H, W, C] and labels [N] (or boxes) that fit a graph's input, and what is asked about them."""

    name: str
    images: np.ndarray
    labels: np.ndarray
    goal: Goal

    def score(self, graph: Graph, outputs: np.ndarray) -> dict[str, float]:
        """How good the outputs of `graph` for these images are: "accuracy", and what else tells for this goal."""
        from neurobin.data.score import score
        from neurobin.exec.reference import real_outputs

        return score(self.goal, real_outputs(graph, outputs), self.labels)

    def answers(self, graph: Graph, outputs: np.ndarray) -> list[Json]:
        """Per image what the outputs of `graph` say: a class, or boxes as [class, confidence, left, top, right, bottom]."""
        from neurobin.data.boxes import decode
        from neurobin.exec.reference import real_outputs
        from neurobin.nets.task import Goal

        if self.goal is Goal.CLASSIFICATION:
            return [int(k) for k in outputs.argmax(1)]
        found = decode(real_outputs(graph, outputs))
        answers: list[list[Json]] = [[] for _ in outputs]
        for image, label, confidence, box in zip(found.image, found.label, found.confidence, found.box, strict=True):
            answers[image].append([int(label), float(confidence), *map(float, box)])
        return list(answers)


def split_images(graph: Graph, count: int | None = None, split: str = "test") -> LabelledImages:
    """The first `count` images of the data set that the model was trained on.

    Raises UsageError when it names none, or one that is not at hand or whose images are of another shape.
    """
    return _fitting(graph, dataset_of(graph), count, split)


def dataset_of(graph: Graph) -> Dataset:
    """The data set that the model was trained on. Raises UsageError when it names none, or it is not at hand."""
    from neurobin.data import load_dataset

    name = graph.meta.get("dataset")
    if not isinstance(name, str):
        raise UsageError("the model file names no data set", hint="--test-data NAME")
    return load_dataset(name)


def _fitting(graph: Graph, data: Dataset, count: int | None, split: str = "test") -> LabelledImages:
    """The images in the network's shape: grey ones, row by row, where it takes them as one vector."""
    images, labels = (data.x_test, data.y_test) if split == "test" else (data.x_train, data.y_train)
    wanted = graph.inputs[graph.input].shape
    grey, size = images.shape[-1] == 1, math.prod(images.shape[1:])
    if grey and size == math.prod(wanted) == max(wanted):  # of several channels, files differ in which axis comes first
        images = images.reshape(len(images), *wanted)
    if images.shape[1:] != wanted:
        theirs, ours = ("x".join(map(str, shape)) for shape in (images.shape[1:], wanted))
        raise UsageError(
            f"{graph.meta.get('name', 'the network')} takes images of {ours}, those of {data.name} are {theirs}",
            hint="--test-data NAME, the data set it was trained on",
        )
    return LabelledImages(data.name, images[:count], labels[:count], data.goal)


def images_to_execute(graph: Graph, count: int | None) -> tuple[np.ndarray, bool]:
    """Images to compare executions on, and whether they are real: the data set's, or random ones where it is not at hand.

    That every execution gives the same integers can be checked on any input; accuracy and activity need real images.
    """
    from neurobin.data.random_images import RANDOM_IMAGES, random_images

    try:
        data = dataset_of(graph)
    except UsageError as error:
        count = min(count or RANDOM_IMAGES, RANDOM_IMAGES)
        note(f"{graph.meta.get('name', 'network')}: {count} random images instead of the test split ({error.what})")
        return random_images(graph.inputs[graph.input], count), False
    return _fitting(graph, data, count).images, True


def images_at_hand(graph: Graph, count: int) -> np.ndarray | None:
    """Real images to measure activity on; None without the data set: the model file's rates must do, or random images."""
    from neurobin.exec.activity import from_summary

    try:
        data = dataset_of(graph)
    except UsageError as error:
        instead = "the activity kept in the model file" if from_summary(graph) else "activity measured on random images"
        note(f"{graph.meta.get('name', 'network')}: {instead} ({error.what})")
        return None
    return _fitting(graph, data, count).images


def writable(path: str) -> Path:
    """`path`, no folder itself and in a folder that exists: asked before long work, so that nothing is lost at its end."""
    if Path(path).is_dir():
        raise UsageError(f"{path!r} is a folder, expected the name of a file to write", hint=str(Path(path) / "NAME"))
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise UsageError(f"no folder {str(folder)!r} to write {Path(path).name!r} to", hint=f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"the folder {str(folder)!r} may not be written", hint="a folder of your own")
    return Path(path)


def emit_json(value: MappingOf[str, object]) -> None:
    """One JSON object on stdout, in ASCII: the same bytes whatever the locale."""
    click.echo(json.dumps(value, indent=1, allow_nan=False))


def note(message: str) -> None:
    """A message for the person at the terminal: on stderr, so that stdout stays data. Hidden characters are escaped."""
    click.echo(visible(message), err=True)


def show(renderable: RenderableType) -> None:
    """A table on stdout."""
    from reports.terminal import console

    console().print(renderable)


def in_batches(execute: Callable[[np.ndarray], np.ndarray], images: np.ndarray, what: str, quiet: bool) -> np.ndarray:
    """`execute` of at least one image, a batch after the other, with a progress bar when a person is watching."""
    import numpy as np

    from neurobin.exec.packed import BATCH

    starts = range(0, len(images), BATCH)
    return np.concatenate([execute(images[start : start + BATCH]) for start in track(starts, what, quiet)])


def track(items: Sequence[T], what: str, quiet: bool) -> Iterable[T]:
    """The items, with a progress bar on stderr when a person is watching."""
    if quiet or not sys.stderr.isatty() or os.environ.get("CI"):
        return items
    from rich.console import Console
    from rich.progress import track as progress

    return progress(items, description=what, console=Console(stderr=True), transient=True)

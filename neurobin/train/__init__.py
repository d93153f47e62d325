"""Training: a method on a data set, to a torch module with its measured accuracy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from neurobin.data import Dataset, load_dataset
from neurobin.data.load import USUAL
from neurobin.errors import UsageError
from neurobin.methods import Method, load_method
from neurobin.nets.task import Goal
from neurobin.train.checkpoint import Identity, print_of
from neurobin.train.loop import Run, TrainingError, predict
from neurobin.train.progress import bar

__all__ = ["TEACHER", "Dataset", "Trained", "TrainingError", "load_dataset", "teacher_file", "train_on"]

TEACHER = ".teacher"  # suffix of the files that `teacher_file` names


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained module (on the CPU, in evaluation mode), its share of right answers on the test split, and how it came."""

    module: nn.Module
    accuracy: float
    history: tuple[dict[str, float], ...]
    method: Method
    dataset: str
    seed: int
    epochs: int
    core: bool = False


def train_on(
    method: Method,
    data: Dataset,
    *,
    seed: int = 0,
    epochs: int | None = None,
    checkpoint: str | Path | None = None,
    core: bool = False,
    device: str = "cpu",
    progress: bool = True,
) -> Trained:
    """Train and evaluate. `core` asks for filters that fit a neurosynaptic core.
    With `checkpoint`, progress is kept there after every epoch and a later call goes on from it. Teachers, where the recipe
    needs them, are trained first on the same data, with seed 0 and the epochs of their own recipes, and kept beside it.

    The result depends on method, data set, seed and epochs only, interrupted or not, for one kind of processor and release
    of torch (and, for 10,000 training images and more, one number of threads).
    Raises UsageError for arguments and names in the recipe that mean nothing and for another run's checkpoint, FormatError
    for a damaged one, TrainingError when the loss is not finite.
    """
    _check(seed, epochs, device)
    _check_goal(method, data)
    if epochs is None:
        epochs = method.recipe.epochs_large if data.large else method.recipe.epochs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = method.build(replace(data.task, core=core))
    identity = Identity(method.name, data.name, seed, epochs, f"{method.recipe!r} core={core}", print_of(module))
    file = None if checkpoint is None else Path(checkpoint)

    def teacher(name: str) -> nn.Module:
        kept = None if file is None else teacher_file(file.parent, name, data.name)
        taught = train_on(load_method(name), data, checkpoint=kept, device=device, progress=progress)
        return taught.module.to(device).requires_grad_(False)

    run = Run(module, data, method.recipe, identity, file, device, teacher)
    with bar(f"{method.name} on {data.name}", progress) as report:
        run.run(report)
    accuracy = data.score(predict(module, data.x_test, device))["accuracy"]
    return Trained(module.to("cpu").eval(), accuracy, tuple(run.history), method, data.name, seed, epochs, core)


def teacher_file(folder: Path, method: str, data: str) -> Path:
    """The checkpoint in which the teachers of a folder's networks are kept, for all their students."""
    return folder / f"{method}_{data}{TEACHER}"


def _check(seed: int, epochs: int | None, device: str) -> None:
    if not 0 <= seed < 2**63:
        raise UsageError(f"the seed must lie in 0 ... 2^63 - 1, got {seed}")
    if epochs is not None and epochs < 1:
        raise UsageError(f"expected at least 1 epoch, got {epochs}")
    if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise UsageError(f"device {device!r} is not available here", hint="cpu")


def _check_goal(method: Method, data: Dataset) -> None:
    if method.goal is not data.goal:
        what = f"{method.name} is made for {method.goal.value}, the data set {data.name} for {data.goal.value}"
        raise UsageError(what, hint=f"--data {USUAL[method.goal]}")
    if data.goal is Goal.DETECTION and method.recipe.shift:
        raise UsageError("images with boxes cannot be moved in training, their boxes would stay", hint="Recipe(shift=0)")

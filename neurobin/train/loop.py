"""The training loop: epochs of shuffled, shifted batches, with checkpoints after every epoch and a check of every loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from neurobin.data import Dataset
from neurobin.errors import FormatError, NeurobinError, UsageError
from neurobin.nn.torch_file import first_line
from neurobin.recipes import Recipe
from neurobin.recipes.losses import loss as loss_named
from neurobin.recipes.optimizers import optimizers
from neurobin.recipes.schedules import schedule as schedule_named
from neurobin.recipes.techniques import Batch, Context, Technique, batch_norms
from neurobin.train import checkpoint as checkpoints
from neurobin.train.augment import shifted
from neurobin.train.checkpoint import Identity, State

EVALUATION_BATCH = 512
SETTLING_IMAGES = 10_240
Progress = Callable[[int, int, float], None]  # (finished epochs, all epochs, mean loss of the last one)


class TrainingError(NeurobinError):
    """Training cannot go on: the loss is no longer a number."""


def no_teacher(name: str) -> nn.Module:
    """For runs whose techniques need none."""
    raise UsageError(f"a teacher {name!r} is needed, and this run has none")


def set_progress(module: nn.Module, progress: float) -> None:
    """Tell every layer whose quantizer changes on the way how far the training is; 1 at inference."""
    for layer in module.modules():
        if hasattr(layer, "progress"):
            vars(layer)["progress"] = progress  # not through nn.Module, which looks for parameters on the way


@dataclass
class Run:
    """One training run: what is trained, on what, how, and how far it is, which the checkpoint says if there is one.

    Techniques with teachers are prepared last, and only where epochs are left: preparing them may train the teachers. Before
    that, raises FormatError for a damaged checkpoint and UsageError for one of another run.
    """

    module: nn.Module
    data: Dataset
    recipe: Recipe
    identity: Identity
    checkpoint: Path | None = None
    device: str = "cpu"
    teacher: Callable[[str], nn.Module] = no_teacher
    epoch: int = field(default=0, init=False)
    history: list[dict[str, float]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        kept = None
        if self.checkpoint is not None and self.checkpoint.exists():
            kept = checkpoints.load(self.checkpoint, self.identity)
        self.module.to(self.device)
        if self.data.large:
            self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizers = optimizers(self.module, self.recipe)
        self.loss = loss_named(self.recipe.loss)
        self.schedule = schedule_named(self.recipe.schedule)
        self.images = as_maps(self.data.x_train)
        self.labels = torch.from_numpy(self.data.y_train.copy())
        self.mixed = self.data.large and self.recipe.mixed
        self.context = Context(self.module, self.optimizers, self.teacher, images=len(self.images), autocast=self.mixed)
        techniques = self.recipe.techniques
        self._prepare(technique for technique in techniques if not technique.teachers)  # these may add to the state
        if kept is not None:
            self._resume(kept)
        if self.epoch < self.identity.epochs:
            self._prepare(technique for technique in techniques if technique.teachers)

    def _prepare(self, techniques: Iterable[Technique]) -> None:
        for technique in techniques:
            technique.prepare(self.context)

    def _resume(self, state: State) -> None:
        """Go on from there. Raises FormatError when it does not fit the network, though it says it is of this run."""
        try:
            self.module.load_state_dict(state.module)
            for optimizer, kept in zip(self.optimizers, state.optimizers, strict=True):
                checkpoints.restore(optimizer, kept)
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            reason = f"the checkpoint does not fit the network: {first_line(error)}"
            raise FormatError(reason, where=str(self.checkpoint), hint=checkpoints.REMEDY) from error
        self.epoch, self.history = state.epoch, state.history

    def run(self, progress: Progress | None = None) -> None:
        """All epochs that are left. Raises TrainingError at the first loss that is not finite."""
        with deterministic(self.device, None if self.data.large else 1):
            while self.epoch < self.identity.epochs:
                mean = self._one_epoch()
                if not all(bool(torch.isfinite(value).all()) for value in self.module.state_dict().values()):
                    raise self._stopped(f"a parameter is no longer a number after epoch {self.epoch + 1}")
                self.epoch += 1
                if self.epoch == self.identity.epochs:
                    self._settle()
                self.history.append({"epoch": float(self.epoch), "loss": mean})
                self._keep()
                if progress is not None:
                    progress(self.epoch, self.identity.epochs, mean)

    @contextmanager
    def _drawing(self) -> Iterator[torch.Generator]:
        """All random numbers of epoch k come from (seed, k), whatever ran before.

        The loop's own come from the generator, those of layers and techniques from torch, which is as it was afterwards.
        """
        stream = np.random.SeedSequence([self.identity.seed, self.epoch]).generate_state(2)
        with torch.random.fork_rng(devices=[] if self.device == "cpu" else [torch.device(self.device)]):
            torch.manual_seed(int(stream[1]))
            yield torch.Generator().manual_seed(int(stream[0]))

    def _one_epoch(self) -> float:
        """The mean loss."""
        total, seen = 0.0, 0
        self.module.train()
        with self._drawing() as generator:
            order = torch.split(torch.randperm(len(self.images), generator=generator), self.recipe.batch)
            for number, chosen in enumerate(order):
                if len(chosen) == 1:  # batch norm has no variance over one image
                    continue
                progress = (self.epoch + number / len(order)) / self.identity.epochs
                batch = self._laid_out(shifted(self.images[chosen], self.recipe.shift, generator))
                total += self._step(batch, chosen, progress, number) * len(chosen)
                seen += len(chosen)
        return total / max(seen, 1)

    def _laid_out(self, images: Tensor) -> Tensor:
        layout = torch.channels_last if self.data.large else torch.contiguous_format
        return images.to(self.device).contiguous(memory_format=layout)

    def _step(self, images: Tensor, places: Tensor, progress: float, number: int) -> float:
        context, techniques = self.context, self.recipe.techniques
        labels = self.labels[places].to(self.device)
        rate = self.schedule(progress)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group.setdefault("initial_lr", group["lr"]) * rate
            optimizer.zero_grad()
        set_progress(self.module, progress)
        for technique in techniques:
            technique.before_step(context, progress)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.mixed):
            logits = self.module(images)
        batch = Batch(images, labels, logits.float(), progress, places)
        loss = self.loss(batch.logits, labels)
        for technique in techniques:
            extra = technique.loss(context, batch)
            loss = loss if extra is None else loss + extra
        value: float = loss.item()
        if not math.isfinite(value):
            raise self._stopped(f"the loss is {value} at step {number + 1} of epoch {self.epoch + 1}")
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self.optimizers:
            optimizer.step()
        for technique in techniques:
            technique.after_step(context, progress)
        return value

    def _settle(self) -> None:
        """At the end: all quantizers as they are at inference, and batch norm's statistics measured anew without rounding.

        Training on large data sets computes in bfloat16, with running averages that trail behind the weights.
        """
        set_progress(self.module, 1.0)
        if not self.data.large:
            return
        kept = [(norm.momentum, norm) for norm in batch_norms(self.module)]
        for _, norm in kept:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over all batches that follow
        self.module.train()
        with torch.no_grad(), self._drawing():  # as if it were one epoch more, should a layer draw numbers
            for start in range(0, min(len(self.images), SETTLING_IMAGES), EVALUATION_BATCH):
                self.module(self._laid_out(self.images[start : start + EVALUATION_BATCH]))
        for momentum, norm in kept:
            norm.momentum = momentum

    def _stopped(self, what: str) -> TrainingError:
        kept = "there is no checkpoint before this epoch"
        if self.checkpoint is not None and self.epoch > 0:
            kept = f"the last good checkpoint is {self.checkpoint} after epoch {self.epoch}"
        return TrainingError(
            what,
            where=f"training {self.identity.method} on {self.identity.dataset}",
            hint=f"a smaller learning rate than {self.recipe.lr:g}; {kept}",
        )

    def _keep(self) -> None:
        if self.checkpoint is not None:
            state = State(self.epoch, self.module.state_dict(), [o.state_dict() for o in self.optimizers], self.history)
            checkpoints.save(self.checkpoint, self.identity, state)


def as_maps(images: np.ndarray) -> Tensor:
    """Raw images [N, H, W, C] as float32 maps [N, C, H, W]."""
    return torch.from_numpy(np.array(images.transpose(0, 3, 1, 2), dtype=np.float32, order="C"))


def predict(module: nn.Module, images: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Outputs [N, ...] in evaluation mode, logits or a grid, for raw images [N, H, W, C]."""
    module.eval()
    with torch.no_grad():
        parts = [
            module(as_maps(images[start : start + EVALUATION_BATCH]).to(device)).cpu().numpy()
            for start in range(0, len(images), EVALUATION_BATCH)
        ]
    return np.concatenate(parts)


@contextmanager
def deterministic(device: str, threads: int | None) -> Iterator[None]:
    """Inside, one run gives the same bits every time: `threads` CPU threads (None: as many as torch has), and on a GPU
    torch's deterministic algorithms where it has them. Afterwards all is as before."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    if threads is not None:
        torch.set_num_threads(threads)
    if device.startswith("cuda"):
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1], warn_only=warn_only)

"""The training loop: epochs of shuffled, shifted batches, with checkpoints after every epoch and a check of every loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from neurobin.data import Dataset
from neurobin.errors import NeurobinError, UsageError
from neurobin.methods import Recipe
from neurobin.nn import QuantConv2d, QuantLinear
from neurobin.train import checkpoint as checkpoints
from neurobin.train.augment import shifted
from neurobin.train.checkpoint import Identity, State
from neurobin.train.losses import loss as loss_named
from neurobin.train.schedules import schedule as schedule_named

EVALUATION_BATCH = 512
Progress = Callable[[int, int, float], None]  # (finished epochs, all epochs, mean loss of the last one)


class TrainingError(NeurobinError):
    """Training cannot go on: the loss is no longer a number."""


@dataclass
class Run:
    """One training run: what is trained, on what, how, and how far it is."""

    module: nn.Module
    data: Dataset
    recipe: Recipe
    identity: Identity
    checkpoint: Path | None = None
    device: str = "cpu"
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.module.to(self.device)
        self.optimizer = _optimizer(self.module, self.recipe)
        self.loss = loss_named(self.recipe.loss)
        self.schedule = schedule_named(self.recipe.schedule)
        self.images = as_maps(self.data.x_train)
        self.labels = torch.from_numpy(self.data.y_train.copy())

    def resume(self) -> None:
        """Go on from the checkpoint if there is one. Raises FormatError or UsageError when it does not fit."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        state = checkpoints.load(self.checkpoint, self.identity)
        try:
            self.module.load_state_dict(state.module)
            self.optimizer.load_state_dict(state.optimizer)
        except (RuntimeError, ValueError, KeyError) as error:
            raise UsageError(
                f"the checkpoint does not fit the network: {str(error).splitlines()[0]}", where=str(self.checkpoint)
            ) from error
        self.epoch, self.history = state.epoch, state.history

    def run(self, progress: Progress | None = None) -> None:
        """All epochs that are left. Raises TrainingError at the first loss that is not finite."""
        with deterministic(self.device, None if self.data.large else 1):
            while self.epoch < self.identity.epochs:
                mean = self._one_epoch()
                if not all(bool(torch.isfinite(value).all()) for value in self.module.state_dict().values()):
                    raise self._stopped(f"a parameter is no longer a number after epoch {self.epoch + 1}")
                self.epoch += 1
                self.history.append({"epoch": float(self.epoch), "loss": mean})
                self._keep()
                if progress is not None:
                    progress(self.epoch, self.identity.epochs, mean)

    def _one_epoch(self) -> float:
        """The mean loss. All random numbers of epoch k come from (seed, k), whatever ran before."""
        stream = np.random.SeedSequence([self.identity.seed, self.epoch]).generate_state(2)
        generator = torch.Generator().manual_seed(int(stream[0]))
        order = torch.split(torch.randperm(len(self.images), generator=generator), self.recipe.batch)
        total, seen = 0.0, 0
        self.module.train()
        with torch.random.fork_rng(devices=[] if self.device == "cpu" else [torch.device(self.device)]):
            torch.manual_seed(int(stream[1]))
            for number, chosen in enumerate(order):
                if len(chosen) == 1:  # batch norm has no variance over one image
                    continue
                rate = self.schedule((self.epoch + number / len(order)) / self.identity.epochs)
                batch = shifted(self.images[chosen], self.recipe.shift, generator)
                total += self._step(batch, self.labels[chosen], rate, number) * len(chosen)
                seen += len(chosen)
        return total / max(seen, 1)

    def _step(self, images: Tensor, labels: Tensor, rate: float, number: int) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * rate
        self.optimizer.zero_grad()
        loss = self.loss(self.module(images.to(self.device)), labels.to(self.device))
        value = loss.item()
        if not math.isfinite(value):
            raise self._stopped(f"the loss is {value} at step {number + 1} of epoch {self.epoch + 1}")
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        clip_latent(self.module, self.recipe.clip)
        bound_gamma(self.module, self.recipe.min_gamma)
        return value

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
            state = State(self.epoch, self.module.state_dict(), self.optimizer.state_dict(), self.history)
            checkpoints.save(self.checkpoint, self.identity, state)


def _optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay acts on matrices and filters of real layers only: on latent weights it would only flip signs."""
    latent = {id(layer.weight) for layer in _quantized(module)}
    decayed = [p for p in module.parameters() if p.dim() > 1 and id(p) not in latent]
    plain = [p for p in module.parameters() if p.dim() <= 1 or id(p) in latent]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, lr=recipe.lr)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=0.9)
    raise UsageError(f"unknown optimizer {recipe.optimizer!r}", hint="adam, sgd")


def _quantized(module: nn.Module) -> list[QuantConv2d | QuantLinear]:
    return [layer for layer in module.modules() if isinstance(layer, QuantConv2d | QuantLinear)]


def clip_latent(module: nn.Module, limit: float | None) -> None:
    """Bound the latent weights of quantized layers to [-limit, limit]: beyond, they would no longer answer to gradients."""
    if limit is None:
        return
    with torch.no_grad():
        for layer in _quantized(module):
            layer.weight.clamp_(-limit, limit)


def bound_gamma(module: nn.Module, least: float | None) -> None:
    """Keep the factors of batch norms at `least` or above."""
    if least is None:
        return
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.weight.clamp_(min=least)


def as_maps(images: np.ndarray) -> Tensor:
    """Raw images [N, H, W, C] as float32 maps [N, C, H, W]."""
    return torch.from_numpy(np.array(images.transpose(0, 3, 1, 2), dtype=np.float32, order="C"))


def predict(module: nn.Module, images: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Logits [N, classes] in evaluation mode for raw images [N, H, W, C]."""
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

"""The training loop: learning, resuming, stopping at NaN, surviving interruptions, and leaving nothing behind."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.errors import FormatError, UsageError
from neurobin.methods import Method, Recipe, load_method
from neurobin.nets import Task
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.positive_gamma import PositiveGamma
from neurobin.train import Dataset, Trained, TrainingError, load_dataset, train, train_on
from neurobin.train.augment import shifted
from neurobin.train.progress import bar


class Noisy(nn.Module):
    """A small network with every kind of state: latent weights, running statistics, dropout and stochastic signs."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.conv = QuantConv2d(task.channels, 8, 3, padding=1, weights=SignWeights(stochastic=True))
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.2)
        self.dense = QuantLinear(8 * task.height * task.width, task.classes)
        self.final = nn.BatchNorm1d(task.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.drop(torch.relu(self.norm(self.conv((x - 8) / 8))))
        return self.final(self.dense(x.flatten(1)))


@pytest.fixture(scope="module")
def few() -> Dataset:
    """129 images: with batches of 64, two steps an epoch; the lone last image is left out."""
    digits = load_dataset("digits")
    return replace(digits, x_train=digits.x_train[:129], y_train=digits.y_train[:129])


@pytest.fixture
def noisy() -> Method:
    recipe = Recipe(epochs=4, batch=64, lr=1e-2, techniques=(ClipLatent(0.25), PositiveGamma(0.5)))
    return replace(load_method("bnn"), name="noisy", build=Noisy, recipe=recipe)


def state(result: Trained) -> bytes:
    return b"".join(value.numpy().tobytes() for value in result.module.state_dict().values())


def test_ternary_weights_learn_the_digits() -> None:
    result = train("twn", "digits", epochs=10, progress=False)
    assert result.accuracy > 0.8
    assert (result.dataset, result.seed, result.epochs) == ("digits", 0, 10)
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert not result.module.training


def test_one_seed_is_one_result(few: Dataset, noisy: Method) -> None:
    first = train_on(noisy, few, seed=3, progress=False)
    torch.manual_seed(99)
    assert state(train_on(noisy, few, seed=3, progress=False)) == state(first)
    assert state(train_on(noisy, few, seed=4, progress=False)) != state(first)


def test_training_leaves_torch_as_it_was(few: Dataset, noisy: Method) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    train_on(noisy, few, epochs=1, progress=False)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


class Stop:
    """Raises `error` in the forward pass of training step `at`."""

    def __init__(self, method: Method, at: int, error: BaseException) -> None:
        self.steps, self.at, self.error, self.method = 0, at, error, method

    def build(self, task: Task) -> nn.Module:
        module = self.method.build(task)
        module.register_forward_pre_hook(self._hook)
        return module

    def _hook(self, module: nn.Module, _: Any) -> None:
        self.steps += module.training
        if self.steps == self.at and module.training:
            raise self.error


@pytest.mark.parametrize("step", [1, 2, 3, 8])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()], ids=lambda e: type(e).__name__)
def test_resumed_equals_uninterrupted(few: Dataset, noisy: Method, tmp_path: Path, step: int, error: BaseException) -> None:
    whole = train_on(noisy, few, progress=False)
    file = tmp_path / "run.pt"
    stopping = replace(noisy, build=Stop(noisy, step, error).build)
    with pytest.raises(type(error)):
        train_on(stopping, few, checkpoint=file, progress=False)
    assert file.exists() == (step > 2)
    resumed = train_on(noisy, few, checkpoint=file, progress=False)
    assert state(resumed) == state(whole)
    assert resumed.history == whole.history
    assert resumed.accuracy == whole.accuracy
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]
    again = train_on(replace(noisy, build=Stop(noisy, 1, AssertionError()).build), few, checkpoint=file, progress=False)
    assert state(again) == state(whole)


def test_interruption_while_writing_keeps_the_last_checkpoint(
    few: Dataset, noisy: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.pt"
    writes = 0

    def interrupted(source: str, target: Path) -> None:
        nonlocal writes
        writes += 1
        if writes == 3:
            raise KeyboardInterrupt
        Path(source).rename(target)

    monkeypatch.setattr("neurobin.files.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_on(noisy, few, checkpoint=file, progress=False)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]
    assert torch.load(file, weights_only=True)["epoch"] == 2


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_loss_that_is_no_number_stops(few: Dataset, noisy: Method, tmp_path: Path, value: str) -> None:
    class Breaks(Noisy):
        steps = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.steps += self.training
            return super().forward(x) * (float(value) if self.steps == 5 else 1)

    broken = replace(noisy, build=Breaks)
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step 1 of epoch 3") as caught:
        train_on(broken, few, checkpoint=tmp_path / "run.pt", progress=False)
    assert "run.pt after epoch 2" in caught.value.hint
    with pytest.raises(TrainingError, match="there is no checkpoint"):
        train_on(broken, few, progress=False)


def test_parameters_that_are_no_numbers_are_not_kept(few: Dataset, noisy: Method, tmp_path: Path) -> None:
    class Breaks(Noisy):
        steps = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.steps += self.training
            y = super().forward(x)
            if self.steps == 4:  # the last step of epoch 2: the loss is finite, its gradient is not
                y.register_hook(lambda gradient: gradient * float("nan"))
            return y

    with pytest.raises(TrainingError, match="a parameter is no longer a number after epoch 2"):
        train_on(replace(noisy, build=Breaks), few, checkpoint=tmp_path / "run.pt", progress=False)
    assert torch.load(tmp_path / "run.pt", weights_only=True)["epoch"] == 1


def test_a_checkpoint_of_another_run_is_refused(few: Dataset, noisy: Method, tmp_path: Path) -> None:
    file = tmp_path / "run.pt"
    train_on(noisy, few, epochs=1, checkpoint=file, progress=False)
    before = file.read_bytes()
    with pytest.raises(UsageError, match="another run: seed 0 instead of 1"):
        train_on(noisy, few, seed=1, epochs=1, checkpoint=file, progress=False)
    with pytest.raises(UsageError, match="epochs 1 instead of 2"):
        train_on(noisy, few, epochs=2, checkpoint=file, progress=False)
    wider = replace(noisy, recipe=replace(noisy.recipe, lr=1.0))
    with pytest.raises(UsageError, match="recipe"):
        train_on(wider, few, epochs=1, checkpoint=file, progress=False)
    other = replace(noisy, build=load_method("bnn").build)
    with pytest.raises(UsageError, match="another run: network"):
        train_on(other, few, epochs=1, checkpoint=file, progress=False)
    assert file.read_bytes() == before
    kept = torch.load(file, weights_only=True)
    torch.save(kept | {"module": {}}, file)
    with pytest.raises(UsageError, match="does not fit the network"):
        train_on(noisy, few, epochs=1, checkpoint=file, progress=False)


def test_damaged_checkpoints_are_refused(few: Dataset, noisy: Method, tmp_path: Path) -> None:
    file = tmp_path / "run.pt"
    train_on(noisy, few, epochs=1, checkpoint=file, progress=False)
    whole = file.read_bytes()
    kept = torch.load(file, weights_only=True)
    buffers = {name: io.BytesIO() for name in ("schema", "part", "pickle")}
    torch.save(kept | {"schema": "neurobin.checkpoint/9"}, buffers["schema"])
    torch.save({key: value for key, value in kept.items() if key != "optimizers"}, buffers["part"])
    torch.save({"anything": Path("a")}, buffers["pickle"])
    for content, message in (
        (b"", "not a whole checkpoint"),
        (b"hello", "not a whole checkpoint"),
        (whole[: len(whole) // 2], "not a whole checkpoint"),
        (buffers["pickle"].getvalue(), "not a whole checkpoint"),
        (buffers["schema"].getvalue(), "expected schema neurobin.checkpoint/2, got 'neurobin.checkpoint/9'"),
        (buffers["part"].getvalue(), "a part is missing"),
    ):
        file.write_bytes(content)
        with pytest.raises(FormatError, match=message):
            train_on(noisy, few, epochs=1, checkpoint=file, progress=False)


def test_a_folder_that_is_not_there(few: Dataset, noisy: Method, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be written"):
        train_on(noisy, few, epochs=1, checkpoint=tmp_path / "absent" / "run.pt", progress=False)


def test_latent_weights_and_gamma_keep_their_bounds(few: Dataset, noisy: Method) -> None:
    module = train_on(noisy, few, progress=False).module
    assert isinstance(module, Noisy)
    assert module.conv.weight.abs().max().item() == 0.25
    assert module.norm.weight.min().item() >= 0.5


def test_bad_arguments(few: Dataset, noisy: Method) -> None:
    for arguments, message in (
        ({"seed": -1}, "seed must lie"),
        ({"epochs": 0}, "at least 1 epoch"),
        ({"device": "abacus"}, "device 'abacus' is not available"),
    ):
        with pytest.raises(UsageError, match=message):
            train_on(noisy, few, progress=False, **arguments)  # type: ignore[arg-type]
    for recipe, message in (
        (Recipe(loss="l3"), "unknown loss"),
        (Recipe(schedule="zigzag"), "unknown schedule"),
        (Recipe(optimizer="newton"), "unknown optimizer"),
    ):
        with pytest.raises(UsageError, match=message):
            train_on(replace(noisy, recipe=recipe), few, progress=False)


def test_shifts_move_whole_images() -> None:
    images = torch.arange(1.0, 1 + 40 * 2 * 5 * 6).view(40, 2, 5, 6)
    moved = shifted(images, 1, torch.Generator().manual_seed(0))
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    seen = set()
    for before, after in zip(padded, moved.numpy(), strict=True):
        fits = [(r, c) for r in range(3) for c in range(3) if (before[:, r : r + 5, c : c + 6] == after).all()]
        assert len(fits) == 1
        seen.add(fits[0])
    assert len(seen) == 9
    assert shifted(images, 0, torch.Generator()) is images


def test_no_bar_without_a_terminal(capfd: pytest.CaptureFixture[str], few: Dataset, noisy: Method) -> None:
    with bar("title", wanted=True) as report:
        assert report is None
    train_on(noisy, few, epochs=1, progress=True)
    assert capfd.readouterr() == ("", "")


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with bar("bnn on digits", wanted=True) as report:
        assert report is not None
        report(1, 2, 0.5)
    assert "bnn on digits" in terminal.getvalue()
    with bar("bnn on digits", wanted=False) as report:
        assert report is None

"""The training loop: learning, resuming, stopping at NaN, and leaving nothing behind."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.methods import Method, Recipe, load_method
from neurobin.train import Dataset, TrainingError, load_dataset, train_on
from neurobin.train.augment import shifted
from neurobin.train.progress import bar
from tests.train.scene import Noisy, Stop, state


def test_ternary_weights_learn_the_digits() -> None:
    result = train_on(load_method("twn"), load_dataset("digits"), epochs=10, progress=False)
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

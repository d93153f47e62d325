"""Teachers in a run: trained for its first step and no earlier, kept, and left alone when there is nothing to learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neurobin import train as training
from neurobin.errors import FormatError, UsageError
from neurobin.methods import Method
from neurobin.recipes.techniques.attention import AttentionTransfer
from neurobin.recipes.techniques.center_loss import CenterLoss
from neurobin.recipes.techniques.distil import Distil
from neurobin.recipes.techniques.fit_to_inputs import FitToInputs
from neurobin.recipes.techniques.hints import FeatureHints
from neurobin.train import Dataset, train_on
from tests.train.scene import Stop, state


@pytest.fixture
def asked(noisy: Method, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the teachers that were trained or read, one by one."""
    names: list[str] = []

    def load(name: str) -> Method:
        names.append(name)
        return replace(noisy, name=name, recipe=replace(noisy.recipe, epochs=2))

    monkeypatch.setattr(training, "load_method", load)
    return names


@pytest.fixture
def student(noisy: Method) -> Method:
    """It has centres, which are state that a technique adds, and a teacher."""
    recipe = replace(noisy.recipe, techniques=(Distil("taught"), CenterLoss(0.1)))
    return replace(noisy, name="student", recipe=recipe)


def test_who_has_teachers() -> None:
    for technique in (Distil("a"), AttentionTransfer("a", 1.0, ("conv",)), FeatureHints("a", 1.0, ("conv",))):
        assert technique.teachers == ("a",)
    assert CenterLoss(0.1).teachers == FitToInputs().teachers == ()


def test_a_teacher_has_seed_0_and_its_own_epochs(few: Dataset, student: Method, asked: list[str], tmp_path: Path) -> None:
    train_on(student, few, seed=5, epochs=1, checkpoint=tmp_path / "run.pt", progress=False)
    assert asked == ["taught"]
    kept = torch.load(training.teacher_file(tmp_path, "taught", "digits"), weights_only=True)
    assert (kept["identity"]["seed"], kept["identity"]["epochs"], kept["epoch"]) == (0, 2, 2)
    train_on(student, few, seed=6, epochs=1, checkpoint=tmp_path / "other.pt", progress=False)
    assert {path.name for path in tmp_path.iterdir()} == {"run.pt", "other.pt", "taught_digits.teacher"}


def test_a_bad_checkpoint_is_told_before_a_teacher_is_trained(
    few: Dataset, student: Method, asked: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "run.pt"
    file.write_bytes(b"garbage")
    with pytest.raises(FormatError, match=r"run\.pt: not a whole checkpoint"):
        train_on(student, few, checkpoint=file, progress=False)
    assert ([path.name for path in tmp_path.iterdir()], asked) == (["run.pt"], [])
    with pytest.raises(RuntimeError):
        train_on(replace(student, build=Stop(student, 3, RuntimeError()).build), few, checkpoint=file.with_name("a"))
    kept, _ = torch.load(file.with_name("a"), weights_only=True), asked.clear()
    torch.save(kept | {"module": {}}, file)
    with pytest.raises(FormatError, match="does not fit the network"):
        train_on(student, few, checkpoint=file, progress=False)
    with pytest.raises(UsageError, match="another run"):
        train_on(student, few, seed=1, checkpoint=file, progress=False)
    assert asked == []


def test_a_finished_run_needs_no_teacher(few: Dataset, student: Method, asked: list[str], tmp_path: Path) -> None:
    file = tmp_path / "run.pt"
    whole = train_on(student, few, checkpoint=file, progress=False)
    assert asked == ["taught"]
    training.teacher_file(tmp_path, "taught", "digits").unlink()
    again = train_on(student, few, checkpoint=file, progress=False)
    assert state(again) == state(whole)
    assert "dense.centres" in again.module.state_dict()
    assert (asked, [path.name for path in tmp_path.iterdir()]) == (["taught"], ["run.pt"])

"""Building the zoo: what is done stays done, teachers come first and are shared, failures are told, seeds are kept."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from neurobin import zoo
from neurobin.methods import load_method, method_names
from neurobin.zoo import build
from neurobin.zoo.make import entry_name


class Trainer:
    """Stands for `neurobin train`: writes what it would write, and remembers its command lines."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.failing: set[str] = set()

    def run(self, command: list[str], **options: object) -> SimpleNamespace:
        self.commands.append(command)
        method, folder = command[4], Path(command[command.index("-o") + 1])
        if method in self.failing:
            return SimpleNamespace(returncode=2, stdout="", stderr="Traceback\nerror: no luck\n")
        name = f"{method}_{command[command.index('--data') + 1]}"
        for suffix in (".nbin", ".trained.nbin"):
            (folder / (name + suffix)).write_bytes(f"{name} seed {command[command.index('--seed') + 1]}".encode())
        if "--checkpoint" in command:
            Path(command[command.index("--checkpoint") + 1]).write_bytes(b"state")
        share = 0.5 + int(command[command.index("--seed") + 1]) / 10
        answer = {"accuracy": {"torch": share, "float": share, "deployed": share}}
        return SimpleNamespace(returncode=0, stdout=json.dumps(answer), stderr="")

    def methods(self) -> list[str]:
        return [command[4] for command in self.commands]


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    made = Trainer()
    monkeypatch.setattr(subprocess, "run", made.run)
    return made


def build_zoo(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(build.main, arguments)
    return done.exit_code, done.output


def test_what_is_done_is_not_trained_again(trainer: Trainer, tmp_path: Path) -> None:
    arguments = ("bnn", "twn", "--data", "digits", "--work", str(tmp_path))
    code, said = build_zoo(*arguments)
    assert code == 0
    assert "bnn_digits seed 0: torch 50.00 %" in said
    assert sorted(trainer.methods()) == ["bnn", "twn"]
    code, said = build_zoo(*arguments)
    assert code == 0
    assert "twn_digits seed 0: done before" in said
    assert len(trainer.commands) == 2


def test_a_failure_is_told_and_tried_again(trainer: Trainer, tmp_path: Path) -> None:
    trainer.failing.add("bnn")
    arguments = ("bnn", "twn", "--data", "digits", "--work", str(tmp_path), "--jobs", "1")
    code, said = build_zoo(*arguments)
    assert code == 1
    assert "bnn_digits seed 0: exit code 2: error: no luck" in said
    assert "twn_digits seed 0: torch" in said
    trainer.failing.clear()
    assert build_zoo(*arguments)[0] == 0
    assert trainer.methods() == ["bnn", "twn", "bnn"]


def test_teachers_come_first_and_their_students_find_them(trainer: Trainer, tmp_path: Path) -> None:
    assert "full_precision_resnet" in build.teachers()
    arguments = ("reactnet", "full_precision_resnet", "--data", "digits", "--work", str(tmp_path), "--jobs", "1")
    assert build_zoo(*arguments)[0] == 0
    assert trainer.methods() == ["full_precision_resnet", "reactnet"]
    assert (tmp_path / "seed0" / "full_precision_resnet_digits.teacher").read_bytes() == b"state"
    assert build_zoo("reactnet", "--data", "digits", "--seeds", "1", "--work", str(tmp_path))[0] == 0
    assert (tmp_path / "seed1" / "full_precision_resnet_digits.teacher").read_bytes() == b"state"


def test_the_methods_that_teach_are_those_whom_techniques_name() -> None:
    named = {
        str(vars(technique)["teacher"])
        for name in method_names()
        for technique in load_method(name).recipe.techniques
        if "teacher" in vars(technique)
    }
    assert build.teachers() == named >= {"full_precision_resnet", "full_precision"}


def test_a_teacher_is_kept_where_training_looks_for_it(tmp_path: Path) -> None:
    assert build.Job("full_precision", "digits", 0, False).arguments(tmp_path)[-5:-3] == [
        "--checkpoint",
        str(tmp_path / "seed0" / "full_precision_digits.teacher"),
    ]
    for other in (
        build.Job("full_precision", "digits", 1, False),
        build.Job("full_precision", "digits", 0, True),
        build.Job("bnn", "digits", 0, False),
    ):
        assert "--checkpoint" not in other.arguments(tmp_path)


def test_a_network_has_one_name() -> None:
    assert build.Job("bnn", "digits", 3, False).name == entry_name("bnn", "digits", False) == "bnn_digits"
    assert build.Job("bnn", "digits", 3, True).name == entry_name("bnn", "digits", True) == "bnn_digits_core"


def test_every_process_has_one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[str] = []

    def run(command: list[str], env: dict[str, str], **options: object) -> SimpleNamespace:
        seen.append(env["OMP_NUM_THREADS"])
        return SimpleNamespace(returncode=1, stdout="", stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    assert "exit code 1: no message" in build_zoo("bnn", "--work", str(tmp_path))[1]
    assert seen == ["1"]


def test_installing_keeps_seed_0_and_the_accuracies_of_all(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    monkeypatch.setattr(build, "FOLDER", package)
    for module in (build, zoo):
        monkeypatch.setattr(module, "SEEDS", package / "seeds.json")
    work = str(tmp_path / "work")
    code, said = build_zoo("bnn", "--data", "digits", "--seeds", "0,1,2", "--work", work, "--install")
    assert code == 0
    assert f"1 networks installed in {package}" in said
    assert (package / "bnn_digits.nbin").read_bytes() == b"bnn_digits seed 0"
    assert {seed: shares["deployed"] for seed, shares in zoo.seeds("bnn_digits").items()} == {0: 0.5, 1: 0.6, 2: 0.7}
    assert build_zoo("twn", "--data", "digits", "--work", work, "--install")[0] == 0
    assert set(zoo.seeds("bnn_digits")) == {0, 1, 2}
    assert zoo.seeds("unknown") == {}

"""`neurobin train` with teachers: what it says about them, and that it checks its own checkpoint before it trains one."""

from __future__ import annotations

import json

import pytest


def test_help_tells_of_teachers(neurobin):
    shown = " ".join(neurobin("train", "--help").out.split())
    for words in ("learns from a teacher", "trained first", "seed 0", "the number of epochs of its own recipe",
                  "TEACHER_DATA.teacher in the output folder"):  # fmt: skip
        assert words in shown


def test_a_damaged_checkpoint_is_told_before_a_teacher_is_trained(neurobin, tmp_path):
    kept = tmp_path / "apprentice_digits_seed0.checkpoint"
    kept.write_bytes(b"garbage")
    shown = neurobin("train", "apprentice", "--output", str(tmp_path))
    assert shown.code == 1
    assert f"{kept}: not a whole checkpoint" in shown.err
    assert "try: remove it" in shown.err
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    assert kept.read_bytes() == b"garbage"


@pytest.mark.slow
def test_core_networks_have_names_of_their_own(neurobin, tmp_path):
    shown = neurobin("train", "bnn", "--core", "--epochs", "1", "--output", str(tmp_path), "--json")
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["model"] == str(tmp_path / "bnn_digits_core.nbin")
    assert {path.name for path in tmp_path.iterdir()} == {"bnn_digits_core.nbin", "bnn_digits_core.trained.nbin"}

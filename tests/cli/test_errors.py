"""Bad input: one clear message with where and what to try, the right exit code, no traceback, no partial file."""

from __future__ import annotations

import pytest

from hwmodels.target import CHIPS
from neurobin import zoo


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["estimat", "x"], 2, "did you mean 'estimate'"),
        (["estimate", "bnn_digit"], 2, "did you mean 'bnn_digits'"),
        (["estimate", "missing.nbin"], 1, "missing.nbin"),
        (["estimate", "bnn_digits", "--target", "stm32l4"], 2, "did you mean 'stm32l4r5'"),
        (["estimate", "bnn_digits", "--target", "missing.toml"], 1, "missing.toml"),
        (["estimate", "bnn_digits", "--set", "nothing.here=1"], 2, "no constant 'nothing.here'"),
        (["estimate", "bnn_digits", "--set", "clock=fast"], 2, "PATH=NUMBER"),
        (["estimate", "bnn_digits", "--max-energy", "5m"], 2, "expected a quantity in J"),
        (["explain", "bnn_digits", "no_such_node", "--target", "stm32l4r5"], 2, "no node 'no_such_node'"),
        (["train", "bnm"], 2, "did you mean 'bnn'"),
        (["train", "bnn", "--data", "digitz"], 2, "digits"),
        (["train", "bnn", "--output", "no/such/folder"], 2, "mkdir"),
        (["validate"], 2, "--all"),
        (["methods", "show", "bnm"], 2, "did you mean 'bnn'"),
        (["targets", "show", "truenort"], 2, "did you mean 'truenorth'"),
    ],
)
def test_messages_and_codes(neurobin, arguments, code, words):
    shown = neurobin(*arguments)
    assert shown.code == code, shown.err
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert "internal error" not in shown.err
    assert shown.out == ""


def test_absent_data_says_where_it_looked(neurobin, monkeypatch, tmp_path):
    monkeypatch.setenv("NEUROBIN_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    shown = neurobin("train", "bnn", "--data", "mnist", "--output", str(tmp_path))
    assert shown.code == 2
    assert str(tmp_path) in shown.err
    assert not list(tmp_path.iterdir())


def test_a_truncated_model_is_refused(neurobin, tmp_path):
    broken = tmp_path / "broken.nbin"
    broken.write_bytes(zoo.path("bnn_digits").read_bytes()[:-7])
    shown = neurobin("run", str(broken))
    assert shown.code == 1
    assert "broken.nbin" in shown.err
    assert "internal error" not in shown.err


def test_a_chip_file_with_faults_lists_all_of_them(neurobin, tmp_path):
    text = (CHIPS / "stm32l4r5.toml").read_text(encoding="utf-8")
    chip = tmp_path / "mine.toml"
    chip.write_text(text.replace("[clock]", "[clack]").replace('unit = "V"', 'unit = "mV"'), encoding="utf-8")
    shown = neurobin("estimate", "bnn_digits", "--target", str(chip))
    assert shown.code == 1
    assert "clock: Field required" in shown.err
    assert "clack" in shown.err
    assert "expected a value in V" in shown.err


def test_names_from_files_cannot_write_to_the_terminal(neurobin):
    shown = neurobin("run", "evil\x1b[2J\u202e.nbin")
    assert shown.code == 1
    assert "\x1b" not in shown.err
    assert "\u202e" not in shown.err

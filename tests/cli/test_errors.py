"""Bad input: one clear message with where and what to try, the right exit code, no traceback, no partial file."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from hwmodels.target import CHIPS
from neurobin import zoo


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["estimat", "x"], 2, "try: 'estimate'"),
        (["estimate", "bnn_digit"], 2, "try: 'bnn_digits'"),
        (["estimate", "missing.nbin"], 1, "missing.nbin"),
        (["estimate", "bnn_digits", "--target", "stm32l4"], 2, "try: 'stm32l4r5'"),
        (["estimate", "bnn_digits", "--target", "missing.toml"], 1, "missing.toml"),
        (["estimate", "bnn_digits", "--set", "nothing.here=1"], 2, "no constant 'nothing.here'"),
        (["estimate", "bnn_digits", "--set", "clock=fast"], 2, "PATH=NUMBER"),
        (["estimate", "bnn_digits", "--max-energy", "5m"], 2, "expected a quantity in J"),
        (["explain", "bnn_digits", "no_such_node", "--target", "stm32l4r5"], 2, "no node 'no_such_node'"),
        (["train", "bnnn"], 2, "try: 'bnn'"),
        (["train", "bnn", "--data", "digitz"], 2, "digits"),
        (["train", "bnn", "--output", "no/such/folder"], 2, "mkdir"),
        (["validate"], 2, "--all"),
        (["methods", "show", "bnnn"], 2, "try: 'bnn'"),
        (["targets", "show", "truenort"], 2, "try: 'truenorth'"),
        (["targets", "--json", "show", "truenorth"], 2, "neurobin targets show truenorth --json"),
        (["estimate", "bnn_digits", "--set", "clock=nan"], 2, "PATH=NUMBER"),
        (["estimate", "bnn_digits", "--target", "/dev/zero.toml"], 1, "there is no such file"),
        (["lower", "bnn_digits", "--show", "threshold"], 2, "no pass 'threshold'"),
        (["lower", "bnn_digits", "--calibrate", "-5"], 2, "x>=1"),
        (["lower", "bnn_digits", "-o", "."], 2, "is a folder"),
        (["lower", "bnn_digits", "-o", "bnn.onnx"], 2, "neurobin export"),
        (["lower", "tfc"], 2, "--weights FILE"),
        (["lower", "bnn_digits.onnx", "--pixel", "1e400"], 2, "--pixel 1/255"),
        (["run", "bnn_digits", "--images", "sample"], 2, "neither a number of images nor 'all'"),
        (["run", "bnn_digits", "--images", "0"], 2, "0 is fewer than 1"),
        (["run", "nosuchnetwork"], 2, "a file has a suffix or a folder"),
        (["run", str(zoo.path("bnn_digits")), "--test-data", "minst"], 2, "try: 'mnist'"),
        (["compare", "--report", ""], 2, "is a folder"),
        (["compare", "--table", "rows.xls"], 2, ".csv"),
        (["train", "bnn", "--checkpoint", "no/such/folder/file"], 2, "mkdir"),
    ],
)
def test_messages_and_codes(neurobin, arguments, code, words):
    shown = neurobin(*arguments)
    assert shown.code == code, shown.err
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert "internal error" not in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    "option", [("lower", "-o", "x.nbin"), ("export", "-o", "x.onnx"), ("compare", "--report", "x.html")]
)
def test_a_folder_that_may_not_be_written_is_said_before_the_work(neurobin, monkeypatch, tmp_path, option):
    monkeypatch.setattr(os, "access", lambda path, mode: not (os.path.samefile(path, tmp_path) and mode == os.W_OK))
    command, flag, name = option
    shown = neurobin(command, "bnn_digits", flag, str(tmp_path / name))
    assert (shown.code, "may not be written" in shown.err) == (2, True)
    assert "nodes" not in shown.err  # of the first pass


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


def test_json_stays_one_object_when_passes_are_shown(neurobin):
    shown = neurobin("lower", "bnn_digits", "--show", "thresholds", "--json")
    assert json.loads(shown.out)["schema"] == "neurobin.lower/1"
    assert "# after thresholds" in shown.err


def test_the_examples_of_explain_name_a_node(neurobin):
    example = next(line for line in neurobin("explain", "--help").out.splitlines() if "Example:" in line)
    assert neurobin(*example.split("neurobin ", 1)[1].split()).code == 0


@pytest.mark.parametrize("command", ["estimate", "zoo"])
def test_an_ascii_terminal_gets_the_figures(command):
    arguments = [command, "bnn_digits", "-t", "stm32l4r5"] if command == "estimate" else [command, "--json"]
    shown = run(arguments, env=os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.isascii()


def test_a_closed_pipe_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        for arguments in (["ops"], ["ops", "--json"]):
            shown = subprocess.run([sys.executable, "-m", "neurobin", *arguments], stdout=closed, stderr=subprocess.PIPE)
            assert (shown.returncode, shown.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_is_an_error():
    with open("/dev/full", "wb") as full:
        shown = subprocess.run([sys.executable, "-m", "neurobin", "ops", "--json"], stdout=full, stderr=subprocess.PIPE)
    assert (shown.returncode, shown.stderr) == (1, b"neurobin: No space left on device\n")


def run(arguments, **options):
    return subprocess.run([sys.executable, "-m", "neurobin", *arguments], capture_output=True, text=True, **options)

"""Nothing dangerous gets in: every hostile file is refused as its table says, and names that mean harm stay text."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from tests.frontend.onnx.hostile import MOST_BYTES, MOST_SECONDS, TABLE, as_expected, attempt, command, measure
from tests.frontend.onnx.hostile_structures import QONNX, node, proto, tensor

HEAVY = [name for name, case in TABLE.items() if case.heavy]
NAMES = {
    "escape": "\x1b[31mred\x07",
    "lines": "first\nneurobin: all is well\r",
    "direction": "safe\u202egnp.exe\u2066",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "formula": "=cmd|' /C calc'!A0",
    "path": "../../etc/passwd",
    "separators": "a\u2028b\u2029c\u200b",
    "long": "n" * 60_000,
    "private": "\ue000\ufeff",
}


def test_the_table_is_long_enough():
    assert len(TABLE) >= 150
    assert len(HEAVY) >= 10


@pytest.mark.parametrize("name", [name for name in TABLE if name not in HEAVY])
def test_a_hostile_file_is_refused(name, tmp_path):
    outcome = attempt(TABLE[name], tmp_path)
    assert as_expected(name, outcome), outcome
    assert outcome.seconds < MOST_SECONDS


@pytest.mark.slow
def test_the_worst_take_little_time_and_memory():
    for name, outcome, peak in measure(HEAVY):
        assert as_expected(name, outcome), (name, outcome)
        assert outcome.seconds < MOST_SECONDS, name
        assert 0 < peak < MOST_BYTES, name


@pytest.mark.parametrize("name", ["empty file", "data above the folder", "a weight that is NaN", "a subgraph"])
def test_the_command_itself_refuses(name, tmp_path):
    """As a process: what is said, and the exit code, are what is seen in this one."""
    case, path = TABLE[name], tmp_path / "inner" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(case.make(path.parent))
    done = subprocess.run(
        [sys.executable, "-m", "neurobin", "inspect" if case.code == 1 else "lower", str(path)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (case.code, "", 1)
    assert case.words in done.stderr


def _named(name: str, op: str) -> bytes:
    """A network whose constants, tensors and nodes are all called that way."""
    nodes = [
        node("MatMul", "x", f"{name}w", to=f"{name}1"),
        node(op, f"{name}1", f"{name}s", to="y", domain=QONNX),
    ]
    for one in nodes:
        one.name = name + one.op_type
    return proto(nodes, [tensor(np.ones((4, 2)), f"{name}w"), tensor(1.0, f"{name}s")]).SerializeToString()


def _hidden(text: str) -> set[str]:
    """Characters that a terminal would obey, or not show."""
    return {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")} - {"\n"}


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_accepted_as_text(name, tmp_path):
    path, out = tmp_path / "model.onnx", tmp_path / "out.nbin"
    path.write_bytes(_named(NAMES[name], "BipolarQuant"))
    outcome = command("lower", str(path), "-o", str(out))
    assert outcome.code == 0, outcome.err
    assert not _hidden(outcome.out + outcome.err)
    assert "all is well" not in [line.removeprefix("neurobin: ") for line in outcome.err.splitlines()]
    assert {file.name for file in tmp_path.iterdir()} == {"model.onnx", "out.nbin"}
    assert command("run", str(out), "--limit", "4").code in (0, 2)
    as_json = command("lower", str(path), "--json")
    assert json.loads(as_json.out)["schema"] == "neurobin.lower/1"


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_escaped_in_messages(name, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(_named(NAMES[name], "Explode"))
    outcome = command("lower", str(path))
    assert outcome.code == 3
    assert not _hidden(outcome.err)
    assert outcome.err.count("\n") == 1
    assert len(outcome.err) < 1000


def test_a_raised_limit_is_a_limit_raised(tmp_path):
    """What a message says to try is what helps."""
    path = tmp_path / "model.onnx"
    path.write_bytes(proto([node("Relu", "x")], shape=[1, 2**12 + 1]).SerializeToString())
    low = ("--allow", "input_elements=4096")
    assert "--allow input_elements=4097" in command("lower", str(path), *low).err
    assert command("lower", str(path), "--allow", "input_elements=4097").code == 0

"""Nothing dangerous gets in: every hostile file is refused as its table says, and names that mean harm stay text."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from tests.frontend.onnx.hostile import MOST_BYTES, MOST_SECONDS, TABLE, attempt, command
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
    case = TABLE[name]
    outcome = attempt(case, tmp_path)
    assert (outcome.code, case.words in outcome.err) == (case.code, True), outcome.err
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert "internal error" not in outcome.err
    assert len(outcome.err) < 2000
    assert outcome.err.count("\n") == 1
    assert outcome.seconds < MOST_SECONDS


@pytest.mark.slow
def test_the_worst_take_little_time_and_memory():
    """In a process of its own, so that its peak is theirs. The table says where a message is not the one expected."""
    command_line = [sys.executable, "-m", "tests.frontend.onnx.hostile", *HEAVY]
    root = Path(__file__).parents[3]
    begun = subprocess.run(command_line, cwd=root, capture_output=True, text=True, check=False, timeout=300)
    assert begun.returncode == 0, begun.stderr
    *rows, peak = begun.stdout.splitlines()
    assert len(rows) == len(HEAVY)
    assert not [row for row in rows if row.endswith("UNEXPECTED")]
    assert max(float(row[44:].split()[1]) for row in rows) < MOST_SECONDS
    assert int(peak.split()[2]) < MOST_BYTES


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

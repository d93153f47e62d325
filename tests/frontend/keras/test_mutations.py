"""Damaged files: changed bytes and changed descriptions give a graph or a refusal; nothing else, and soon (see `mutate`)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("h5py", reason="needs the h5py package: pip install h5py")

REFUSALS = {"FormatError", "GraphError", "UnsupportedError", "UsageError"}
SECONDS = 5  # for any one of them


@pytest.mark.parametrize(("kind", "count"), [("bytes", 200), ("text", 300), ("parts", 600)])
def test_a_changed_file_is_a_graph_or_refused(kind, count):
    command = [sys.executable, "-W", "error", "-m", "tests.frontend.keras.mutate", kind, "0", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    outcomes = found["outcomes"]
    unexpected = [said for said in outcomes if said != "graph" and said not in REFUSALS and not said.startswith("signal ")]
    assert not unexpected, unexpected[:3]
    assert sum(outcomes.values()) == count
    assert outcomes["graph"] > count // 20  # or nothing got as far as the converter
    assert outcomes["FormatError"] > count // 4
    assert outcomes.get("signal 14", 0) == 0  # an alarm: none hangs
    assert found["slowest"] < SECONDS

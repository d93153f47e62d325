"""On emulated CPUs without AVX-512, and without AVX at all, the engine picks what they have and gives the same integers."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EMULATOR = shutil.which("qemu-x86_64")
CODE = """
import json, sys
import numpy as np
from neurobin import zoo
from neurobin.exec import packed, reference
from neurobin.exec.kernels import machine
equal = {}
for name in ("bnn_digits", "birealnet_digits", "dorefa_digits", "full_precision_digits"):
    graph = zoo.load(name)
    kind = graph.inputs[graph.input]
    x = np.random.default_rng(0).integers(kind.dtype.low, kind.dtype.high + 1, (3, *kind.shape))
    equal[name] = bool(np.array_equal(packed.run(graph, x), reference.run(graph, x)))
json.dump({"back_ends": [b.name for b in machine.available()], "equal": equal}, sys.stdout)
"""


@pytest.mark.slow
@pytest.mark.skipif(EMULATOR is None, reason="qemu-x86_64 is not installed (Debian: apt-get install qemu-user)")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="runs this machine's own Python, which must be an x86-64 one")
@pytest.mark.parametrize(
    ("cpu", "back_ends"), [("Haswell", ["avx2", "generic", "numpy"]), ("Nehalem", ["generic", "numpy"])]
)
def test_an_older_cpu(cpu: str, back_ends: list[str], tmp_path: Path) -> None:
    assert EMULATOR is not None
    environment = {**os.environ, "NEUROBIN_CACHE": str(tmp_path), "NEUROBIN_BACKEND": ""}
    command = [EMULATOR, "-cpu", cpu, sys.executable, "-c", CODE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["back_ends"] == back_ends
    assert all(found["equal"].values()), found["equal"]

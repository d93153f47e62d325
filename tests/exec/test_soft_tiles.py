"""The amx back end on CPUs without tiles: its tests pass on tiles in software."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neurobin.exec.kernels.machine import available
from tests.exec import soft_tiles

HERE = Path(__file__).parent
CHOICE = "amx or test_micro or packed or chains"
AT_LEAST = 200  # tests


@pytest.mark.slow
@pytest.mark.skipif("amx" in {backend.name for backend in available()}, reason="this CPU's own tiles are tested")
@pytest.mark.skipif(bool(soft_tiles.missing()), reason=f"no tiles in software: {soft_tiles.missing()}")
def test_the_back_end_amx(tmp_path: Path) -> None:
    environment = {**os.environ, soft_tiles.VARIABLE: "1", "NEUROBIN_CACHE": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", CHOICE, str(HERE)]
    done = subprocess.run(command, env=environment, cwd=HERE.parent.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout[-500:]
    assert int(passed[1]) >= AT_LEAST

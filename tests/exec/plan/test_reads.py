"""No step reads beyond what a plan allows for: its memory ends where nothing may be read, in a process of its own.

python -m tests.exec.plan.test_reads BACK_END
"""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from neurobin.exec.kernels.machine import Backend, backend
from neurobin.exec.plan import instance, plan
from neurobin.exec.plan.memory import LINE_BYTES
from neurobin.exec.plan.plan import Plan
from neurobin.ir import BIPOLAR, TERNARY, Graph
from neurobin.ir.dtype import i, u
from tests.exec.kernels.grid import sample
from tests.exec.kernels.test_grid import matrix
from tests.exec.small import on_every_back_end
from tests.ir.strategies import random_values

ROOT = Path(__file__).parents[3]
CASES = 80
_kept: list[mmap.mmap] = []


def fenced(size: int) -> np.ndarray:
    """`lined`, with a page behind the last line that cannot be read."""
    whole = -(-size // LINE_BYTES) * LINE_BYTES
    pages = -(-whole // mmap.PAGESIZE)
    memory = mmap.mmap(-1, (pages + 1) * mmap.PAGESIZE)
    _kept.append(memory)
    bytes_of = np.frombuffer(memory, np.uint8)
    fence = bytes_of.ctypes.data + pages * mmap.PAGESIZE
    forbid = ctypes.CDLL(None, use_errno=True).mprotect
    assert forbid(ctypes.c_void_p(fence), ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    start = pages * mmap.PAGESIZE - whole
    return bytes_of[start : start + size]


def layers() -> Iterator[tuple[Graph, np.ndarray]]:
    for case in sample(CASES, 3):
        yield case.graph, case.images
    for features, activation, weight in (
        (100, i(16), i(16)),
        (70, BIPOLAR, TERNARY),
        (3000, u(8), i(8)),
        (257, BIPOLAR, BIPOLAR),
    ):
        for rows in (1, 13, 65, 131):
            yield matrix(features, 64, activation, weight, "random"), random_values(activation, (rows, features), rows)


def run_all(chosen: Backend) -> None:
    with (
        patch.object(instance, "lined", fenced),
        patch.object(plan, "lined", fenced),
        patch.object(instance, "SLACK", LINE_BYTES),
        patch.object(plan, "SLACK", LINE_BYTES),
    ):
        for graph, x in layers():
            Plan(graph, chosen).run(x)


@pytest.mark.skipif(os.name != "posix", reason="memory is fenced with mprotect")
@on_every_back_end
def test_no_step_reads_beyond_its_memory(backend: Backend) -> None:
    command = [sys.executable, "-m", "tests.exec.plan.test_reads", backend.name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-500:]}"


if __name__ == "__main__":
    run_all(backend(sys.argv[1]))

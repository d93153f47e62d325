"""A process that is forked while another thread runs a plan can run it, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neurobin.exec.kernels.machine import NUMPY, available

ROOT = Path(__file__).parents[3]
CODE = """
import os, sys, threading, warnings
import numpy as np
from neurobin import zoo
from neurobin.exec.kernels.machine import backend
from neurobin.exec.plan.plan import Plan
warnings.simplefilter("ignore")
graph = zoo.load("bnn_digits")
plan, x = Plan(graph, backend()), np.ones((4096, 8, 8, 1), np.uint8)
expected, done = plan.run(x[:3], 2), threading.Event()
def work():
    while not done.is_set():
        plan.run(x, 2)
thread = threading.Thread(target=work)
thread.start()
for _ in range(30):
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(plan.run(x[:3], 2), expected) else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        break
done.set()
thread.join()
sys.exit(code)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.skipif(available()[0] is NUMPY, reason="llvmlite is not installed")
def test_a_fork_while_a_plan_runs() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-500:]

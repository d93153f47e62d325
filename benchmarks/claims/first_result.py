"""Time to the first result in a fresh process: kernels compiled anew, and kernels loaded from disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from statistics import median

from benchmarks.claim import Claim, Options

NETWORKS = ("bnn_digits", "bnn_fashion_mnist", "birealnet_fashion_mnist", "abcnet_fashion_mnist")
_CODE = """
import json, sys, time
started = time.perf_counter()
import numpy as np
from neurobin import zoo
from neurobin.exec import packed
graph = zoo.load(sys.argv[1])
kind = graph.inputs[graph.input]
x = np.zeros((1, *kind.shape), np.uint8)
loaded = time.perf_counter()
packed.run(graph, x)
first = time.perf_counter()
packed.run(graph, x)
second = time.perf_counter()
counts = packed.plan(graph).compiler
print(json.dumps([loaded - started, first - loaded, second - first, counts.compiled, counts.loaded]))
"""


def run(options: Options) -> Claim:
    lines = ["| network | import, load | first result, compiling | kernels | first result, from disk | next result |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for name in NETWORKS:
        cold, warm = [], []
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                cold.append(_fresh(name, folder))
                warm.append(_fresh(name, folder))
        load, first, kernels = median(c[0] for c in cold), median(c[1] for c in cold), cold[0][3]
        again, after = median(w[1] for w in warm), median(w[2] for w in warm)
        lines.append(f"| {name} | {load:.2f} s | {first:.2f} s | {kernels} | {again:.3f} s | {1e3 * after:.2f} ms |")
    return Claim("Warm-up", __doc__ or "", [], [], ["\n".join(lines)])


def _fresh(name: str, folder: str) -> list[float]:
    """Seconds to import and load, to the first and to the second result, and kernels compiled and loaded."""
    environment = {**os.environ, "NEUROBIN_CACHE": folder}
    done = subprocess.run([sys.executable, "-c", _CODE, name], env=environment, capture_output=True, text=True, check=True)
    values: list[float] = json.loads(done.stdout)
    return values

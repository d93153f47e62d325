"""`python -m tests.benchmarks.server`: a worker's other side that needs no library, for tests."""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.servers.serving import Served, serve


def double(x: np.ndarray, threads: int, loud: bool) -> Served:
    if loud:
        print("a library that prints")
    return Served(f"doubles on {threads} threads", lambda: x + x, lambda: x + x)


def crash(threads: int) -> Served:
    print("out of luck", file=sys.stderr)
    sys.exit(3)


if __name__ == "__main__":
    serve({"double": double, "crash": crash})

"""Digits networks: the packed engine against the reference engine, and pricing on all chips against the clock."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable

import numpy as np

from analyses.evaluate import activity_of, evaluate
from hwmodels.target import chip_names, load_target
from neurobin import zoo
from neurobin.data import load_dataset
from neurobin.exec import packed, reference

REPEATS = 5


def median_s(work: Callable[[], object]) -> float:
    """Median wall time of a call over five runs, after one warm-up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    images = load_dataset("digits").x_test
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    print(f"{len(images)} digits, median of {REPEATS} runs")
    print(f"{'network':<24}{'reference':>12}{'packed':>12}{'ratio':>8}{'all targets, priced':>22}")
    targets = [load_target(name) for name in chip_names()]
    for name in zoo.names():
        graph = zoo.load(name)
        if graph.meta.get("dataset") != "digits":
            continue
        if not np.array_equal(packed.run(graph, images), reference.run(graph, images)):
            raise SystemExit(f"{name}: packed and reference differ")
        plain = median_s(lambda graph=graph: reference.run(graph, images))
        fast = median_s(lambda graph=graph: packed.run(graph, images))
        activity = activity_of(graph, images)
        priced = median_s(lambda graph=graph, a=activity: [evaluate("x", graph, t, a, None) for t in targets])
        print(f"{name:<24}{1e3 * plain:>9.1f} ms{1e3 * fast:>9.1f} ms{plain / fast:>7.1f}x{1e3 * priced:>19.1f} ms")


if __name__ == "__main__":
    main()

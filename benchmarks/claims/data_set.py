"""The whole test set of Fashion-MNIST (10,000 images; random ones where it is absent) through a VGG-small-like BNN."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.claim import Claim, Goal, Options, Race
from benchmarks.timing import race
from neurobin import zoo
from neurobin.data import load_dataset
from neurobin.errors import MismatchError, NeurobinError
from neurobin.exec import packed, reference
from neurobin.exec.limits import rates

NETWORK, IMAGES, REFERENCE_IMAGES = "bnn_fashion_mnist", 10_000, 1000


def run(options: Options) -> Claim:
    graph = zoo.load(NETWORK)
    x, source = _images(graph.inputs[graph.input].shape)
    wanted = reference.run(graph, x[:REFERENCE_IMAGES])
    if not np.array_equal(packed.run(graph, x)[:REFERENCE_IMAGES], wanted):
        raise MismatchError("the packed engine's integers differ from the reference's", where=NETWORK)
    timings = race({"neurobin": lambda: packed.run(graph, x)}, rounds=max(3, options.rounds // 2), min_batch_s=0.0)
    start = time.process_time()
    reference.run(graph, x[:REFERENCE_IMAGES])
    reference_s = (time.process_time() - start) * len(x) / REFERENCE_IMAGES
    ours_s = timings["neurobin"].cpu_s.median
    macs = sum(count for key, count in graph.total_work().counts.items() if key.kind == "mac")
    why = f"the reference multiplies with BLAS ({reference_s:.1f} s); {_ceiling(macs * len(x), reference_s)}"
    notes = [f"{source}; {1e6 * ours_s / len(x):.1f} us per image, checks and conversion to int64 included."]
    goal = Goal("Fashion-MNIST test set against exec.reference", 1000.0, reference_s / ours_s, why=why)
    return Claim("A data set", __doc__ or "", [Race(NETWORK, timings, {"neurobin": "packed.run"})], [goal], notes)


def _ceiling(macs: int, reference_s: float) -> str:
    """How many times as fast this CPU's fastest unit could be at most."""
    idle = rates.clock()
    found = [rates.measured(rates.find(name), idle) for name in ("tiles", "pair") if not rates.missing(rates.find(name))]
    speeds = [speed for rate in found if (speed := rate.ops_per_s())]
    if not speeds:
        return "this CPU has no unit whose limit is known here"
    least_s = 2 * macs / max(speeds)
    return (
        f"all products at the measured limit of this CPU take {least_s:.2f} s, so {reference_s / least_s:.0f}x is to be had"
    )


def _images(shape: tuple[int, ...]) -> tuple[np.ndarray, str]:
    try:
        return load_dataset("fashion_mnist").x_test, "the test set"
    except NeurobinError:
        return np.random.default_rng(0).integers(0, 256, (IMAGES, *shape), np.uint8), "random images"

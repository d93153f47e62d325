"""Two threads against one, wall time: batch 32, each thread with its own images, and batch 1, where they share steps."""

from __future__ import annotations

import numpy as np

from benchmarks import bireal18
from benchmarks.bireal18_graph import deployed, pixels
from benchmarks.claim import Claim, Goal, Options, Race
from benchmarks.timing import race, ratio
from neurobin.exec.kernels.machine import backend
from neurobin.exec.plan.plan import Plan

BATCHES = (1, 32)


def run(options: Options) -> Claim:
    images = pixels(np.concatenate([bireal18.random_image(k) for k in range(2)]))
    plan = Plan(deployed(bireal18.random_parameters(), images), backend())
    races, goals = [], []
    for batch in BATCHES:
        bound = {threads: plan.bind(batch, threads) for threads in (1, 2)}
        for each in bound.values():
            each.input[...] = images[0]
        calls = {f"{threads} thread{'s' * (threads > 1)}": each.run for threads, each in bound.items()}
        timings = race(calls, rounds=options.rounds, min_batch_s=options.min_batch_s)
        title = f"Bi-Real Net 18, batch {batch}"
        races.append(Race(title, timings, dict.fromkeys(calls, f"back end {plan.backend.name}")))
        gain = ratio(timings["1 thread"].wall_s, timings["2 threads"].wall_s)
        if batch > 1:
            goals.append(Goal(f"{title}, two threads against one, wall time", 1.8, gain))
    alone, shared = races[0].timings["1 thread"].wall_s.median, races[0].timings["2 threads"].wall_s.median
    return Claim(
        "Threads", __doc__ or "", races, goals, [f"Batch 1: {1e3 * alone:.2f} ms alone, {1e3 * shared:.2f} ms on two."]
    )

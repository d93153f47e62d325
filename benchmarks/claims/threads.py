"""Two threads against one, wall time: batch 32, each thread with its own images, and batch 1, where they share steps."""

from __future__ import annotations

from benchmarks import bireal18
from benchmarks.bireal18_graph import network, pixels
from benchmarks.claim import Claim, Goal, Options, Race
from benchmarks.timing import race, ratio
from neurobin.errors import MismatchError
from neurobin.exec import reference
from neurobin.exec.kernels.machine import backend
from neurobin.exec.plan.plan import Plan

BATCHES = (1, 32)


def run(options: Options) -> Claim:
    image, plan = pixels(bireal18.random_image()), Plan(network(), backend())
    expected = reference.run(network(), image)
    races, goals = [], []
    for batch in BATCHES:
        bound = {threads: plan.bind(batch, threads) for threads in (1, 2)}
        for each in bound.values():
            each.input[...] = image[0]
            each.run()
            if not (each.output == expected).all():
                raise MismatchError("the packed engine's integers differ from the reference's", where=f"batch {batch}")
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

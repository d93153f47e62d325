"""The event-driven run of one inference: the host injects, every layer fires one tick after its last input has arrived."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from hwmodels.trace import Trace, TraceBuilder
from hwmodels.truenorth.map import TrueNorthMapping
from hwmodels.truenorth.place import PlacedLayer

HOST = "host link"
Process = Generator[Any, Any, None]


def simulate(mapping: TrueNorthMapping) -> Trace:
    """A trace in ticks: one resource per layer (its cores work in the same tick) and the link from the host."""
    names = [part.layer.output for part in mapping.layers]
    trace = TraceBuilder((HOST, *(f"cores of {name}" for name in names)), (HOST, *names))
    env = simpy.Environment()
    fired = {name: env.event() for name in (HOST, *names)}
    env.process(_inject(env, int(mapping.chip.timing.io_ticks.value), fired[HOST], trace))
    for part in mapping.layers:
        waits = [(fired[source], delay) for source, delay in _sources(mapping, part)]
        env.process(_layer(env, part.layer.output, waits, fired[part.layer.output], trace))
    env.run()
    return trace.build(mapping.chip.timing.tick.value)


def _inject(env: simpy.Environment, ticks: int, fired: simpy.Event, trace: TraceBuilder) -> Process:
    start = int(env.now)
    yield env.timeout(ticks)
    trace.add(HOST, HOST, "send", start, int(env.now))
    fired.succeed()


def _layer(
    env: simpy.Environment, name: str, waits: list[tuple[simpy.Event, int]], fired: simpy.Event, trace: TraceBuilder
) -> Process:
    """Wait until every input is in its scheduler, then integrate, leak and fire within one tick."""
    yield env.all_of([env.process(_arrive(env, event, delay)) for event, delay in waits])
    start = int(env.now)
    yield env.timeout(1)
    trace.add(f"cores of {name}", name, "run", start, int(env.now))
    fired.succeed()


def _arrive(env: simpy.Environment, fired: simpy.Event, delay: int) -> Process:
    """A spike with delay 1 is there when the next tick begins, which is when its own tick has ended."""
    yield fired
    yield env.timeout(delay - 1)


def _sources(mapping: TrueNorthMapping, part: PlacedLayer) -> list[tuple[str, int]]:
    """(layer or host, delay) of everything that the layer reads; a layer of constants only starts with the host's frame."""
    taps = part.layer.taps.ids
    reads = np.unique(taps[taps >= 0])
    wait = part.layer.depth - mapping.net.depth[reads]
    firsts = np.array([0, *(other.layer.first for other in mapping.layers)])
    makers = np.searchsorted(firsts, reads, side="right") - 1
    makers = np.where(reads < mapping.net.hosted, 0, makers)
    names = (HOST, *(other.layer.output for other in mapping.layers))
    pairs = {(names[maker], int(delay)) for maker, delay in zip(makers, wait, strict=True)}
    return sorted(pairs) or [(HOST, 1)]

"""The event-driven run of one inference (simpy): fetch, execute and result as processes that execute their instruction
streams and meet at bounded token queues; the vector unit works between the products.

Every product starts on an empty machine, so equal products (the groups of a convolution) are simulated once and repeated.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
import simpy

from hwmodels.bitserial.chip import BitSerialChip, Clocks
from hwmodels.bitserial.mapping import BitSerialMapping
from hwmodels.bitserial.schedule import (
    STAGES,
    Instruction,
    Queue,
    execute_stream,
    fetch_stream,
    result_stream,
    step_times,
)
from hwmodels.bitserial.tiling import Gemm
from hwmodels.bitserial.vector import vector_cycles
from hwmodels.trace import STATES, Trace

RESOURCES = (*STAGES, "vector")
_RUN, _STALL = STATES.index("run"), STATES.index("stall")
_Process = Generator[simpy.Event, object, None]


def simulate(mapping: BitSerialMapping) -> Trace:
    """The whole network, step after step. Periods are clock cycles."""
    clocks = mapping.chip.timings()
    names = tuple(node.name for node in mapping.graph.nodes)
    number = {name: k for k, name in enumerate(names)}
    runs: dict[Gemm, np.ndarray] = {}
    parts: list[np.ndarray] = []
    now = 0

    def append(events: np.ndarray, node: str) -> None:
        nonlocal now
        if not len(events):
            return
        placed = np.empty((len(events), 5), dtype=np.int64)
        placed[:, 0], placed[:, 1], placed[:, 2] = events[:, 2] + now, events[:, 0], number[node]
        placed[:, 3], placed[:, 4] = events[:, 1], events[:, 3] + now
        parts.append(placed)
        now = int(placed[:, 4].max())

    def vector(node: str, cycles: int) -> None:
        if cycles:
            append(np.array([[RESOURCES.index("vector"), _RUN, 0, cycles]]), node)

    for step in mapping.plan:
        if step.product is not None:
            vector(step.name, vector_cycles(mapping.chip, clocks, step.product.layout))
            for product in step.product.runs:
                if product not in runs:
                    runs[product] = run_product(product, mapping.chip, clocks)
                append(runs[product], step.name)
        vector(step.name, vector_cycles(mapping.chip, clocks, step.vector))
    columns = np.concatenate(parts) if parts else np.zeros((0, 5), np.int64)
    columns = columns[np.lexsort(columns.T[::-1])]
    start, resource, node, state, stop = columns.T
    return Trace(RESOURCES, names, resource, node, state, start, stop, clocks.period_s)


def run_product(product: Gemm, chip: BitSerialChip, clocks: Clocks) -> np.ndarray:
    """int64 [E, 4]: resource, state, start and stop of every event of one product, from cycle 0 on."""
    env = simpy.Environment()
    times = step_times(product, clocks)
    queues = _queues(env, chip)
    log: list[tuple[int, int, int, int]] = []
    streams = (fetch_stream(product, times), execute_stream(product, times), result_stream(product, times, clocks))
    for stage, stream in enumerate(streams):
        env.process(_stage(env, stage, stream, queues, clocks.sync, log))
    env.run()
    return np.array(log, dtype=np.int64).reshape(-1, 4)


def _queues(env: simpy.Environment, chip: BitSerialChip) -> dict[Queue, simpy.Store]:
    """The four FIFOs with their start tokens."""
    depth = int(chip.tokens.queue_depth.value)
    start: dict[Queue, int] = {
        "filled": 0,
        "free": int(chip.tokens.free_regions.value),
        "done": 0,
        "drained": int(chip.tokens.result_buffers.value),
    }
    queues = {name: simpy.Store(env, capacity=depth) for name in start}
    for name, tokens in start.items():
        queues[name].items.extend([True] * tokens)
    return queues


def _stage(
    env: simpy.Environment,
    stage: int,
    stream: Iterator[Instruction],
    queues: dict[Queue, simpy.Store],
    sync: int,
    log: list[tuple[int, int, int, int]],
) -> _Process:
    """Executes one stream in order. A receive takes its token in its last cycle; a send's token appears after its last."""
    for instruction in stream:
        start = int(env.now)
        if instruction.queue is None:
            if instruction.cycles:
                yield env.timeout(instruction.cycles)
                log.append((stage, _RUN, start, int(env.now)))
            continue
        state, queue = STATES.index(instruction.kind), queues[instruction.queue]
        ahead = sync - 1 if instruction.kind == "receive" else sync
        yield env.timeout(ahead)
        asked = int(env.now)
        yield queue.get() if instruction.kind == "receive" else queue.put(True)
        went = int(env.now)
        if sync > ahead:
            yield env.timeout(sync - ahead)
        if went == asked:
            log.append((stage, state, start, went + sync - ahead))
            continue
        for event in ((state, start, asked), (_STALL, asked, went), (state, went, went + sync - ahead)):
            if event[2] > event[1]:
                log.append((stage, *event))

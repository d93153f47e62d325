"""The event-driven run: one core, one kernel after the other, in whole clock cycles."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from hwmodels.mcu.estimate import CPU, kernel_cycles, period_s
from hwmodels.mcu.map import McuMapping
from hwmodels.trace import Trace, TraceBuilder


def simulate(mapping: McuMapping) -> Trace:
    """One inference. Every kernel waits for the core and for the kernels whose results it reads."""
    environment = simpy.Environment()
    core = simpy.Resource(environment, capacity=1)
    builder = TraceBuilder((CPU,), mapping.steps)
    done = {kernel.output: environment.event() for kernel in mapping.kernels}

    def run(kernel_index: int) -> Generator[Any, Any, None]:
        kernel = mapping.kernels[kernel_index]
        sources = [done[root] for name in kernel.stage.inputs if (root := mapping.schedule.root(name)) in done]
        with core.request() as granted:
            yield granted & simpy.AllOf(environment, sources)
            start = int(environment.now)
            yield environment.timeout(kernel_cycles(mapping.chip, kernel))
            builder.add(CPU, kernel.name, "run", start, int(environment.now))
        done[kernel.output].succeed()

    for index in range(len(mapping.kernels)):
        environment.process(run(index))
    environment.run()
    return builder.build(period_s(mapping.chip))

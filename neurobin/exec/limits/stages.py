"""Where the time of a linear layer goes: preparing its map, its products, and what becomes of its sums.

The same program runs whole, without the region behind the sums, and without the layer: what is missing is replaced by code
that does nothing, while all operands stay where they are. Times are the best of turns of all three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels.machine import Backend
from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.region import Region
from neurobin.exec.kernels.slots import Code, Slots
from neurobin.exec.limits.rates import Limit, missing, prepared
from neurobin.exec.limits.timing import Run, repeated, turns
from neurobin.exec.plan.plan import Plan
from neurobin.exec.plan.program import Call
from neurobin.ir import Graph


@dataclass(frozen=True)
class Stages:
    """Seconds of a run: `prepare_s` of packing, padding and copying its map, `products_s`, and `sums_s` of turning sums into
    what is stored. `limit_s` is what the products would take at the limit of their arithmetic."""

    total_s: float
    prepare_s: float
    products_s: float
    limit_s: float

    @property
    def sums_s(self) -> float:
        return max(0.0, self.total_s - self.prepare_s - self.products_s)


def stages(graph: Graph, x: np.ndarray, back_end: Backend, limit: Limit, macs: int) -> Stages:
    """The stages of a graph of one linear layer, `macs` multiply-accumulates, on images `x` [N, ...], in one thread.

    Raises UnsupportedError where the back end has no kernel for it, or the CPU no such limit.
    """
    if limit.macs is None or (why := missing(limit)):
        raise UnsupportedError(f"no limit {limit.name!r}: {why if limit.macs else 'it multiplies nothing'}")
    runs = [_run(graph, x, back_end, change) for change in (lambda call: call, _without_region, _without_layer)]
    whole, silent, prepared_s, at_limit = (found.best_s for found in turns([*runs, prepared(limit)]))
    return Stages(whole, prepared_s, silent - prepared_s, at_limit * macs / (limit.macs * limit.loop.steps))


def _run(graph: Graph, x: np.ndarray, back_end: Backend, change: Callable[[Call], Call]) -> Run:
    plan = Plan(graph, back_end)
    *before, layer = plan.program.calls
    if layer.node is not None or not graph.nodes[0].op.linear:
        raise UnsupportedError(f"{graph.nodes[0].name} is no linear layer with a kernel on {back_end.name}")
    plan.program = replace(plan.program, calls=[*before, change(layer)])
    bound = plan.bind(len(x))
    bound.input[...] = x
    return repeated(bound.run)


def _without_region(call: Call) -> Call:
    nothing = Region((1, 1, 1), Slots()).write_kernel(lambda region: None)
    fillings = [Code(nothing) if isinstance(filling, Code) else filling for filling in call.slots.fillings]
    return replace(call, slots=Slots(fillings))


def _without_layer(call: Call) -> Call:
    return replace(call, text=str(Kernel(Slots()).module), slots=Slots())

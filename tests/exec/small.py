"""Small graphs on every back end of this machine, one check of them, and the problems that are open: `check`, `OPEN`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from neurobin.exec import reference
from neurobin.exec.kernels.machine import Backend
from neurobin.exec.plan.plan import Plan
from neurobin.ir import Builder, DType, Graph, Op, int_for
from neurobin.ir import TensorType as Kind
from neurobin.ir.dtype import i
from neurobin.ops import op_class
from tests.exec.guard import watched
from tests.exec.kernels.grid import native_back_ends
from tests.ir.strategies import random_constant, random_values

BACK_ENDS = list(native_back_ends())
on_every_back_end = pytest.mark.parametrize("backend", BACK_ENDS, ids=lambda backend: backend.name)


@dataclass(frozen=True)
class Negated(Op):
    """An op without a native form, of which the engine knows nothing else either."""

    def infer(self, x: Kind) -> Kind:
        return Kind(x.shape, int_for(-x.dtype.high, -x.dtype.low))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return -x


class Network(Builder):
    """Graphs of one input: `op` adds a node by the name of its op."""

    def __init__(self, *shape: int, dtype: DType = i(8)) -> None:
        super().__init__({"x": Kind(shape, dtype)})

    def op(self, name: str, *sources: str, **fields: object) -> str:
        return self.add(op_class(name)(**fields), *sources)

    def conv(self, source: str, outputs: int, seed: int = 0, **fields: object) -> str:
        """3x3, of 4-bit weights, with a result of the map's size."""
        weight = random_constant(i(4), (outputs, 3, 3, self.types[source].channels), seed)
        return self.op("int_conv2d", source, weight=weight, padding=(1, 1, 1, 1), **fields)


def inputs(graph: Graph, count: int, seed: int = 1) -> np.ndarray:
    """Random values of the graph's input type."""
    kind = graph.inputs[graph.input]
    return random_values(kind.dtype, (count, *kind.shape), 4 * seed)


def check(graph: Graph, backend: Backend, batches: tuple[int, ...] = (1, 2, 5), threads: tuple[int, ...] = (1, 2)) -> None:
    """The reference's integers for so many random images, and no byte written outside of the plan's tensors."""
    check_on([inputs(graph, count) for count in batches], graph, backend, threads)


def check_on(batches: Sequence[np.ndarray], graph: Graph, backend: Backend, threads: tuple[int, ...] = (1, 2)) -> None:
    """The reference's integers for these images, also from memory that held something else before."""
    with watched() as watch:
        plan = Plan(graph, backend)
        for x in batches:
            expected = reference.run(graph, x)
            for number in threads:
                assert np.array_equal(plan.run(x, number), expected), (len(x), number)
        assert watch.broken() == 0


OPEN = {
    "spills": "LLVM keeps one of the loop's values in memory",
}


def known(request: pytest.FixtureRequest, problem: str, when: bool = True) -> None:
    """Marks the test that runs as one that fails, until the problem is repaired and its line in `OPEN` goes."""
    if when and problem in OPEN:
        request.applymarker(pytest.mark.xfail(reason=OPEN[problem], strict=True))

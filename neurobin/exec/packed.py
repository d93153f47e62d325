"""The packed engine: the same integers as the reference, from bit planes and narrow integers.

A graph is compiled into a plan on first use, and the plan kept as long as the graph. `NEUROBIN_BACKEND` chooses other
machine code, or numpy, in which every op computes by itself.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from neurobin.errors import UnsupportedError, UsageError
from neurobin.exec.kernels.machine import NUMPY, Backend, backend
from neurobin.exec.plan.plan import Plan
from neurobin.exec.reference import as_input, checked
from neurobin.ir import Graph, IntTensor, Packed, to_packed

BATCH = 256

_plans: dict[tuple[int, Backend, frozenset[str]], Plan] = {}


def run(graph: Graph, x: np.ndarray, batch: int = BATCH, threads: int = 1) -> np.ndarray:
    """int64 output [N, ...] for inputs [N, *shape], on so many threads. Raises UnsupportedError on real tensors.

    `batch` bounds how many examples numpy holds at a time; compiled plans choose by the cache's size.
    """
    _check(graph)
    if threads < 1:
        raise UsageError(f"expected at least one thread, got {threads}", where="packed.run")
    chosen = backend()
    values = checked(x, graph.inputs[graph.input], graph.input)
    if chosen is NUMPY:
        return _run_numpy(graph, values, batch)
    return plan(graph, chosen).run(values, threads).astype(np.int64)


def plan(graph: Graph, chosen: Backend | None = None, keep: frozenset[str] = frozenset()) -> Plan:
    """The plan of a deployed graph, compiled on first use; `keep` names tensors that stay in memory to the end of a run.

    Raises UnsupportedError for the numpy back end.
    """
    key = (id(graph), chosen or backend(), keep)
    if key[1] is NUMPY:
        raise UnsupportedError("the numpy back end has no plans", hint="choose another one with NEUROBIN_BACKEND")
    if key not in _plans:
        twin = replace(graph)  # what the plan holds, or the graph could never go and take its plans along
        vars(twin)["types"] = graph.types
        _plans[key] = Plan(twin, key[1], keep)
        weakref.finalize(graph, _plans.pop, key, None)
    return _plans[key]


def steps(graph: Graph, x: np.ndarray) -> Iterator[tuple[str, Packed]]:
    """Every tensor as (name, value) in execution order. Raises UnsupportedError on real tensors."""
    _check(graph)
    chosen = backend()
    if chosen is NUMPY:
        yield from numpy_steps(graph, x)
        return
    names = (graph.input, *(node.name for node in graph.nodes))
    found = tensors(graph, x, names)
    for name in names:
        yield name, IntTensor(found[name], graph.types[name].dtype)


def tensors(graph: Graph, x: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
    """The tensors of these names, [N, ...], in the graph's order. Raises UnsupportedError on real tensors."""
    _check(graph)
    kind = graph.inputs[graph.input]
    values = as_input(x, kind, graph.input)
    if backend() is NUMPY:
        return {name: value.values() for name, value in numpy_steps(graph, values) if name in names}
    found = plan(graph, keep=frozenset(names)).trace(values)
    return {name: found[name] for name in graph.types if name in found}


def _check(graph: Graph) -> None:
    if not graph.is_deployed:
        real = next(name for name, kind in graph.types.items() if kind.dtype.is_float)
        raise UnsupportedError(f"tensor {real!r} is real; the packed engine runs integers", hint="neurobin lower MODEL")


def _run_numpy(graph: Graph, x: np.ndarray, batch: int) -> np.ndarray:
    outputs = []
    for start in range(0, len(x), batch):
        for name, value in numpy_steps(graph, x[start : start + batch]):
            if name == graph.output:
                outputs.append(value.values().astype(np.int64))
    return np.concatenate(outputs) if outputs else np.zeros((0, *graph.types[graph.output].shape), np.int64)


def numpy_steps(graph: Graph, x: np.ndarray) -> Iterator[tuple[str, Packed]]:
    """Every tensor as (name, value), each op by itself in numpy; a tensor is forgotten after its last use."""
    last = graph.last_use()
    kind = graph.inputs[graph.input]
    live: dict[str, Packed] = {graph.input: to_packed(as_input(x, kind, graph.input), kind.dtype)}
    yield graph.input, live[graph.input]
    for index, node in enumerate(graph.nodes):
        live[node.name] = node.op.packed(*(live[name] for name in node.inputs))
        yield node.name, live[node.name]
        for name in {*node.inputs, node.name}:
            if last[name] <= index:
                del live[name]

"""The packed engine: the same integers as the reference, computed on bit planes in 64-bit words and narrow integers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.exec.reference import as_input
from neurobin.ir import Graph, Packed, to_packed

BATCH = 256


def run(graph: Graph, x: np.ndarray, batch: int = BATCH) -> np.ndarray:
    """int64 output [N, ...] for inputs [N, *shape], `batch` examples at a time. Raises UnsupportedError on real tensors."""
    if not graph.is_deployed:
        real = next(name for name, kind in graph.types.items() if kind.dtype.is_float)
        raise UnsupportedError(f"tensor {real!r} is real; the packed engine runs integers", hint="neurobin lower MODEL")
    outputs = []
    for start in range(0, len(x), batch):
        for name, value in steps(graph, x[start : start + batch]):
            if name == graph.output:
                outputs.append(value.values().astype(np.int64))
    return np.concatenate(outputs) if outputs else np.zeros((0, *graph.types[graph.output].shape), np.int64)


def steps(graph: Graph, x: np.ndarray) -> Iterator[tuple[str, Packed]]:
    """Every tensor as (name, packed value) in execution order; a tensor is forgotten after its last use."""
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

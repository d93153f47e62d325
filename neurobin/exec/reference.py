"""The reference engine: plain int64 (and float64 before deployment). For a deployed graph it *is* the meaning."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurobin.errors import GraphError
from neurobin.ir import DType, Graph, TensorType


def run(graph: Graph, x: np.ndarray) -> np.ndarray:
    """The output [N, ...] for a batch [N, *input shape]. Raises GraphError for a wrong shape, type or value."""
    return next(value for name, value in steps(graph, x) if name == graph.output)


def run_all(graph: Graph, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor by name, inputs included."""
    return dict(steps(graph, x))


def steps(graph: Graph, x: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Every tensor as (name, array) in execution order; a tensor is forgotten after its last use."""
    last = graph.last_use()
    live: dict[str, np.ndarray] = {graph.input: as_input(x, graph.inputs[graph.input], graph.input)}
    yield graph.input, live[graph.input]
    for index, node in enumerate(graph.nodes):
        with np.errstate(all="ignore"):  # NaN and infinity are an error below, not a warning
            value = node.op.reference(*(live[name] for name in node.inputs))
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise GraphError("computed NaN or infinity", where=f"node {node.name!r}")
        live[node.name] = value
        yield node.name, value
        for name in {*node.inputs, node.name}:
            if last[name] <= index:
                del live[name]


def as_input(x: np.ndarray, kind: TensorType, name: str = "input") -> np.ndarray:
    """`x` as int64 or float64 after checking shape and values. Raises GraphError saying what was expected."""
    return checked(x, kind, name).astype(np.float64 if kind.dtype.is_float else np.int64, copy=False)


def checked(x: np.ndarray, kind: TensorType, name: str = "input") -> np.ndarray:
    """`x` as an array whose shape and values are those of `kind`. Raises GraphError saying what was expected."""
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise GraphError(f"expected numbers, got an array of {x.dtype}", where=name)
    if x.ndim == 0 or x.shape[1:] != kind.shape:
        raise GraphError(f"expected a batch of shape (N, {', '.join(map(str, kind.shape))}), got {x.shape}", where=name)
    if kind.dtype.is_range and x.dtype.kind in "iu" and _fits(x.dtype, kind.dtype):
        return x  # bytes for a type that has a value for each of them
    values = x
    if not kind.dtype.is_float:
        with np.errstate(invalid="ignore"):  # a cast of NaN or of a huge number is found by the comparison
            values = x.astype(np.int64)
        if not np.array_equal(values, x):
            raise GraphError(f"expected whole numbers of type {kind.dtype}, got {x.dtype} values", where=name)
    if not kind.dtype.holds(values):
        raise GraphError(f"expected values of {kind.dtype}, got the range {x.min()} to {x.max()}", where=name)
    return values


def _fits(numpy_type: np.dtype, dtype: DType) -> bool:
    info = np.iinfo(numpy_type)
    return dtype.low <= info.min and info.max <= dtype.high


def real_outputs(graph: Graph, outputs: np.ndarray) -> np.ndarray:
    """What outputs [N, ...] of a graph stand for: a deployed graph's integers times the scale that it keeps for them."""
    scales = graph.meta.get("scales")
    scale = scales.get(graph.output) if isinstance(scales, dict) else None
    return outputs * float(scale) if graph.is_deployed and isinstance(scale, int | float) else outputs


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose largest element (the first one on a tie) is at the label. Raises GraphError without rows."""
    if not len(labels) or len(logits) != len(labels):
        raise GraphError(f"expected one row of scores per label and at least one, got {len(logits)} and {len(labels)}")
    return float((logits.reshape(len(labels), -1).argmax(1) == labels).mean())

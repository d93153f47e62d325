"""Where two executions part: the first node, in execution order, whose integers differ, and how near a threshold it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from neurobin.errors import MismatchError
from neurobin.exec import packed, reference
from neurobin.ir import Graph
from neurobin.ops.multi_threshold import MultiThreshold


@dataclass(frozen=True)
class Divergence:
    """The first difference: node, index (batch first), both values, and a thresholded input's distance to its threshold."""

    node: str
    index: tuple[int, ...]
    expected: int | float
    actual: int | float
    differing: int
    elements: int
    threshold_distance: int | None

    def __str__(self) -> str:
        near = "" if self.threshold_distance is None else f", {self.threshold_distance} from its nearest threshold"
        return (
            f"first divergence at node {self.node!r} index {self.index}: expected {self.expected}, got {self.actual}"
            f" ({self.differing} of {self.elements} elements differ{near})"
        )


def first_divergence(
    graph: Graph, x: np.ndarray, actual: Iterable[tuple[str, np.ndarray]] | None = None
) -> Divergence | None:
    """The first tensor of `actual` (the packed engine's if not given) that differs from the reference, or None.

    Raises MismatchError when a tensor has another name or shape than the reference's.
    """
    expected = reference.run_all(graph, x)
    if actual is None:
        actual = ((name, value.values()) for name, value in packed.steps(graph, x))
    for name, values in actual:
        if name not in expected:
            raise MismatchError("the reference has no such tensor", where=f"tensor {name!r}")
        if values.shape != expected[name].shape:
            raise MismatchError(f"expected shape {expected[name].shape}, got {values.shape}", where=f"tensor {name!r}")
        wrong = np.argwhere(expected[name] != values)
        if len(wrong):
            index = tuple(int(k) for k in wrong[0])
            return Divergence(
                node=name,
                index=index,
                expected=expected[name][index].item(),
                actual=values[index].item(),
                differing=len(wrong),
                elements=values.size,
                threshold_distance=_threshold_distance(graph, name, index, expected),
            )
    return None


def _threshold_distance(graph: Graph, name: str, index: tuple[int, ...], values: dict[str, np.ndarray]) -> int | None:
    """How far the thresholded input at `index` was from the nearest threshold of its channel, where there is one."""
    node = graph.by_name.get(name)
    if node is None or not isinstance(node.op, MultiThreshold):
        return None
    rows = node.op.thresholds.values
    row = rows[index[-1] if len(rows) > 1 else 0]
    return int(np.abs(row - values[node.inputs[0]][index]).min())

"""Whether a graph says what Keras does."""

from __future__ import annotations

import numpy as np

from neurobin.exec import reference
from neurobin.ir import Graph
from tests.near_ties import apart, unexplained

PIXEL = 1 / 256  # a power of two: sums of short binary fractions are exact, so ties are equal
CLOSE = 1e-4


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def verdict(graph: Graph, images: np.ndarray, wanted: np.ndarray, exact: bool) -> str:
    """ "equal", "close", "near tie", or "differs" and by how much."""
    found = reference.run(graph, images)
    if found.shape != wanted.shape:
        return f"differs in shape: {list(found.shape)}, expected {list(wanted.shape)}"
    left_out = bool(graph.meta["left_out"])
    found = softmax(found) if left_out else found
    if exact and not left_out:
        return "equal" if np.array_equal(found, wanted) else f"differs by {np.abs(found - wanted).max()}"
    differs = apart(found, wanted, CLOSE)
    if not differs.any():
        return "close"
    near = not exact and not unexplained(graph, images, differs)
    return "near tie" if near else f"differs by {np.abs(found - wanted).max()}"

"""Whether a graph says what Keras does."""

from __future__ import annotations

import numpy as np

from neurobin.exec import reference
from neurobin.ir import Graph
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.sign import Sign

PIXEL = 1 / 256  # a power of two: sums of short binary fractions are exact, so ties are equal
CLOSE = 1e-4
NEAR = 1e-5  # of a tensor's largest value: float32 sums are no better


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def verdict(graph: Graph, images: np.ndarray, wanted: np.ndarray, exact: bool) -> str:
    """ "equal", "close", "near tie", or "differs" and by how much."""
    tensors = {graph.input: images} | reference.run_all(graph, images)
    found = tensors[graph.output]
    if found.shape != wanted.shape:
        return f"differs in shape: {list(found.shape)}, expected {list(wanted.shape)}"
    left_out = bool(graph.meta["left_out"])
    found = softmax(found) if left_out else found
    if exact and not left_out:
        return "equal" if np.array_equal(found, wanted) else f"differs by {np.abs(found - wanted).max()}"
    if np.abs(found - wanted).max() <= CLOSE * max(1.0, np.abs(wanted).max()):
        return "close"
    distances = []
    for node in graph.nodes:
        if isinstance(node.op, Sign | MultiThreshold):
            values = np.asarray(tensors[node.inputs[0]], np.float64)
            levels = node.op.thresholds.values if isinstance(node.op, MultiThreshold) else node.op.threshold.values[:, None]
            distances.append(float(np.abs(values[..., None] - levels).min() / (np.abs(values).max() + 1e-30)))
    near = not exact and min(distances, default=1.0) <= NEAR
    return "near tie" if near else f"differs by {np.abs(found - wanted).max()}"

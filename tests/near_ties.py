"""Where float32 and float64 may part: a value that all but meets a threshold falls on either side of it."""

from __future__ import annotations

import numpy as np

from neurobin.exec import reference
from neurobin.ir import Graph
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.sign import Sign

NEAR = 1e-5  # of a tensor's largest value: float32 sums of a hundred products are no better


def margins(graph: Graph, images: np.ndarray) -> np.ndarray:
    """[N]: how near any value of each image comes to a threshold, as a share of the largest value beside it."""
    tensors = {graph.input: images} | reference.run_all(graph, images)
    nearest = np.full(len(images), np.inf)
    for node in graph.nodes:
        if isinstance(node.op, Sign | MultiThreshold):
            values = np.asarray(tensors[node.inputs[0]], np.float64)
            levels = node.op.thresholds.values if isinstance(node.op, MultiThreshold) else node.op.threshold.values[:, None]
            distances = np.abs(values[..., None] - levels).reshape(len(images), -1).min(1)
            with np.errstate(over="ignore"):  # of thresholds that no number reaches
                nearest = np.minimum(nearest, distances / (np.abs(values).max() + 1e-30))
    return nearest


def unexplained(graph: Graph, images: np.ndarray, differs: np.ndarray) -> list[int]:
    """The images among those that differ ([N], true) in which no value all but meets a threshold."""
    return np.flatnonzero(differs & (margins(graph, images) > NEAR)).tolist()


def apart(found: np.ndarray, wanted: np.ndarray, close: float) -> np.ndarray:
    """[N]: the images of which a result is further off than a share of the largest, or of 1 where all are smaller."""
    off = np.abs(found - wanted).reshape(len(wanted), -1).max(1)
    return np.asarray(~(off <= close * max(1.0, np.abs(wanted).max())))  # NaN is far off

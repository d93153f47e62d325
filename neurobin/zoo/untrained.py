"""Graphs of the published architectures with random weights: for counts, mappings and costs, which no training changes."""

from __future__ import annotations

import numpy as np

from neurobin.frontend.torch import from_torch
from neurobin.ir import Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.nets import Task, published
from neurobin.passes import lower

CALIBRATION_IMAGES = 2


def deployed(name: str) -> Graph:
    """The integers of an untrained architecture, calibrated on random images: what it costs, not what it knows.

    A large one takes a minute. Raises UsageError for an unknown name.
    """
    graph = untrained(name)
    kind = graph.inputs[graph.input]
    images = np.random.default_rng(0).integers(0, kind.dtype.high + 1, (CALIBRATION_IMAGES, *kind.shape))
    return lower(graph, images)


def untrained(name: str, *, stem: str | None = None, task: Task | None = None, seed: int = 0) -> Graph:
    """The graph, as before training, of architecture `name` for raw images of the paper's task, or of another one.

    Its meta data say that it is untrained. Raises UsageError for an unknown name or stem.
    """
    at = task or published.find(name).task
    module = published.build(name, stem=stem, task=at, seed=seed)
    graph = from_torch(module, TensorType((at.height, at.width, at.channels), u((at.levels - 1).bit_length())))
    return graph.with_meta(name=name, title=published.find(name).title, untrained=True, **({"stem": stem} if stem else {}))

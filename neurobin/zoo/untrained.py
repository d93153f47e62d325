"""Graphs of the published architectures: with random weights for counts, mappings and costs, or with those of a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import nn

from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.state_dict import load_weights
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
    graph = _graph(name, published.build(name, stem=stem, task=at, seed=seed), at)
    return graph.with_meta(untrained=True, **({"stem": stem} if stem else {}))


def with_weights(name: str, path: Path, limits: Limits = DEFAULT) -> Graph:
    """The graph as trained of architecture `name` with the tensors of a file, as `frontend.state_dict` reads them.

    Raises UsageError for an unknown name, FormatError when the file's tensors are not those of the architecture.
    """
    module = published.build(name)
    load_weights(module, path, limits)
    return _graph(name, module.eval(), published.find(name).task).with_meta(source="weights")


def _graph(name: str, module: nn.Module, at: Task) -> Graph:
    graph = from_torch(module, TensorType((at.height, at.width, at.channels), u((at.levels - 1).bit_length())))
    return graph.with_meta(name=name, title=published.find(name).title)

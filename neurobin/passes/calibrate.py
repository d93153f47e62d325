"""The range of every tensor on calibration images: what integer deployment chooses its scales from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurobin.errors import UsageError
from neurobin.exec import reference
from neurobin.ir import Graph

BATCH = 128

Ranges = Mapping[str, tuple[float, float]]


def ranges(graph: Graph, images: np.ndarray) -> Ranges:
    """(smallest, largest) value of every tensor over `images` [N, ...]. Raises UsageError when there are none."""
    if len(images) == 0:
        raise UsageError("integer deployment needs calibration images, got none", hint="a few dozen training images")
    found: dict[str, tuple[float, float]] = {}
    for start in range(0, len(images), BATCH):
        for name, value in reference.steps(graph, images[start : start + BATCH]):
            low, high = found.get(name, (np.inf, -np.inf))
            found[name] = (min(low, float(value.min())), max(high, float(value.max())))
    return found

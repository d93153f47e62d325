"""Small files by hand as graphs, and images [3, 4, 4, 2] for them."""

from __future__ import annotations

import numpy as np

from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.tflite.convert import to_graph
from neurobin.frontend.tflite.reader import parse
from neurobin.ir import Graph
from tests.frontend.tflite.build import model

NONE = {"fused_activation_function": 0}
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 2))
REAL = (IMAGES / np.float32(255)).astype(np.float32)


def graph(cells, steps, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    return to_graph(parse(model(cells, steps), limits), images, limits)

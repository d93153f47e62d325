"""Networks of single layers for the tests: weights as arrays, images as small whole numbers."""

from __future__ import annotations

import numpy as np

from neurobin.exec import reference
from neurobin.frontend.images import Images
from neurobin.frontend.keras.convert import to_graph
from neurobin.frontend.keras.reader import model_of
from neurobin.frontend.limits import DEFAULT
from neurobin.ir import Graph
from neurobin.ir.dtype import i
from tests.frontend.keras.build import functional, image, layer

WHOLE = Images(i(8), 1.0, 0.0)  # the network reads small whole numbers as they are
F = np.float32


def graph(config, weights=None, images=WHOLE) -> Graph:
    """The graph of a description with weights float32 by layer and role."""
    given = {
        name: {role: np.asarray(values, F) for role, values in roles.items()} for name, roles in (weights or {}).items()
    }
    model = model_of(config, "2.15.0", DEFAULT)
    known = {call.layer.path: given.get(call.layer.path, {}) for call in model.calls}
    return to_graph(model, known, images)


def elements(kind: str, values, **config: object) -> np.ndarray:
    """What a layer makes of numbers, each an image of one feature."""
    made = graph(
        functional(image(1), layer("Rescaling", "scaled", "image", scale=1 / 64), layer(kind, "x", "scaled", **config))
    )
    return reference.run(made, np.rint(np.asarray(values) * 64).astype(int)[:, None])[:, 0]


GRID = np.arange(-128, 128) / 64

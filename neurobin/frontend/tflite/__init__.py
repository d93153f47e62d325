"""TensorFlow Lite files, with Larq Compute Engine's operators: `reader` makes a checked model, `convert` a graph of it."""

from __future__ import annotations

from pathlib import Path

from neurobin.frontend.description import Description
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.tflite.convert import to_graph
from neurobin.frontend.tflite.describe import describe
from neurobin.frontend.tflite.reader import read_model
from neurobin.ir import Graph


def from_tflite(path: Path, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    """The graph of the model in a file. Raises FormatError, GraphError or UnsupportedError."""
    return to_graph(read_model(path, limits), images, limits)


def describe_tflite(path: Path, limits: Limits = DEFAULT) -> Description:
    """What the model in a file holds. Raises FormatError or UnsupportedError."""
    return describe(read_model(path, limits))

"""ONNX and QONNX. `reader` makes a checked model of a file, `evaluate` says what it means, `convert` makes a graph of it.
In between `sane` looks whether the numbers in it can be those of a network.

The evaluator is the file's own meaning: every operator as the standard defines it, on numpy arrays in the file's types. The
graph keeps what hardware cares about, and is compared with the evaluator and with the tools that wrote the file.
"""

from __future__ import annotations

from pathlib import Path

from neurobin.frontend.description import Description
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.describe import describe
from neurobin.frontend.onnx.reader import read_model
from neurobin.frontend.onnx.sane import check
from neurobin.ir import Graph


def from_onnx(path: Path, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    """The graph of the model in a file. Raises FormatError, GraphError or UnsupportedError."""
    model = read_model(path, limits)
    check(model, limits)
    return to_graph(model, images, limits)


def describe_onnx(path: Path, limits: Limits = DEFAULT) -> Description:
    """What the model in a file holds. Raises FormatError or UnsupportedError."""
    return describe(read_model(path, limits))

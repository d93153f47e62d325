"""Keras 2 networks, with Larq's layers: whole files of HDF5, `.keras` archives, and descriptions beside their weights.

A description names classes and functions; those known here are looked up in tables, all others are refused by name. Nothing
in a file is executed.
"""

from __future__ import annotations

from pathlib import Path

from neurobin.frontend.description import Description
from neurobin.frontend.hdf5.reading import Content
from neurobin.frontend.images import Images
from neurobin.frontend.keras.convert import check, to_graph
from neurobin.frontend.keras.describe import describe
from neurobin.frontend.keras.saved import Saved, of_content, opened
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.ir import Graph


def from_keras(path: Path, images: Images | None = None, limits: Limits = DEFAULT, weights: Path | None = None) -> Graph:
    """The graph of a network in a `.keras` archive, or in a description in JSON beside a file of weights, as trained.

    Raises FormatError, GraphError, UnsupportedError, or UsageError where weights are missing.
    """
    return _graph(opened(path, limits, weights), images, limits)


def from_content(content: Content, images: Images | None, limits: Limits) -> Graph:
    """The graph of a network in a whole file of HDF5. Raises as `from_keras` does."""
    return _graph(of_content(content, limits), images, limits)


def _graph(saved: Saved, images: Images | None, limits: Limits) -> Graph:
    check(saved.model)
    return to_graph(saved.model, saved.weights(), images, limits)


def describe_keras(path: Path, limits: Limits = DEFAULT) -> Description:
    """What an archive or a description holds. Raises FormatError, UnsupportedError or UsageError."""
    return describe(opened(path, limits))


def describe_content(content: Content, limits: Limits) -> Description:
    """What a whole file of HDF5 holds. Raises as `describe_keras` does."""
    return describe(of_content(content, limits))

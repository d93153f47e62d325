"""HDF5 files: read with its library in a process of their own, then told apart by what their root holds."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from neurobin.frontend.description import Description
from neurobin.frontend.hdf5.reading import Content, read
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.ir import Graph


def from_hdf5(path: Path, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    """The graph of the network in a file, as trained: NIR or Keras.

    Raises FormatError, GraphError, UnsupportedError, or UsageError without the h5py package.
    """
    content = read(path, limits)
    graph: Graph = _package(content).from_content(content, images, limits)
    return graph


def describe_hdf5(path: Path, limits: Limits = DEFAULT) -> Description:
    """What the network in a file holds. Raises as `from_hdf5` does."""
    content = read(path, limits)
    found: Description = _package(content).describe_content(content, limits)
    return found


def _package(content: Content) -> ModuleType:
    """NIR keeps its network in the group `node`; everything else is Keras's, which says what it misses."""
    return import_module(f"neurobin.frontend.{'nir' if content.has('node') else 'keras'}")

"""One entry for every file a user may have: its format is recognised by its content, never by its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from neurobin.errors import FormatError, NeurobinError, UnsupportedError, UsageError
from neurobin.files import open_regular
from neurobin.frontend.description import Description
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.ir import Graph, store
from neurobin.ir.text import shown

NBIN, KERAS = "nbin", "keras"
# Packages of this folder by how their files begin: (place, bytes). ONNX has no mark of its own, so it comes last.
_FORMATS = {"tflite": (4, b"TFL3"), "hdf5": (0, b"\x89HDF"), "onnx": (0, b"")}

# What cannot be read safely or is not read yet, by its first bytes: what it is, and what to do instead.
_ZIP = b"PK\x03\x04"
_REFUSED = {
    _ZIP: (
        "a zip archive and no whole Keras network (a torch checkpoint, a .npz, or cut short)",
        "export the network to ONNX or QONNX; tensors of a published architecture: neurobin lower NAME --weights FILE",
    ),
    b"\x80": ("a Python pickle, which may run code", "export the network to ONNX or QONNX"),
}


def load(path: Path, images: Images | None = None, limits: Limits = DEFAULT, weights: Path | None = None) -> Graph:
    """The graph in a file: deployed in a `.nbin` that is, as trained from every other tool.

    `weights` is the file of HDF5 beside a Keras description. Raises FormatError, GraphError, UnsupportedError or UsageError,
    always with the path and the place.
    """
    with _naming(path):
        kind = recognise(path)
        if weights is not None:
            return _with_weights(kind, path, images, limits, weights)
        if kind == NBIN:
            return store.load(path)
        graph: Graph = getattr(_package(kind), f"from_{kind}")(path, images, limits)
        return graph


def _with_weights(kind: str, path: Path, images: Images | None, limits: Limits, weights: Path) -> Graph:
    if kind == "hdf5":
        raise UsageError(
            "is HDF5, --weights goes with the description of a Keras network",
            hint="neurobin lower model.json --weights weights.h5, or leave --weights out where the file holds both",
        )
    if kind != KERAS:
        raise UsageError("holds its weights itself", hint="leave --weights out")
    graph: Graph = _package(kind).from_keras(path, images, limits, weights)
    return graph


def describe(path: Path, limits: Limits = DEFAULT) -> Description:
    """What a file of another tool holds. Raises as `load` does."""
    with _naming(path):
        kind = recognise(path)
        if kind == NBIN:
            raise UnsupportedError("is a graph of neurobin's own")
        found: Description = getattr(_package(kind), f"describe_{kind}")(path, limits)
        return found


def _package(kind: str) -> ModuleType:
    return import_module(f"neurobin.frontend.{kind}")


def recognise(path: Path) -> str:
    """The format of a file. Raises FormatError when it cannot be read, UnsupportedError for formats that are refused."""
    with open_regular(path) as file:
        head = file.read(16)
        if not head:
            raise FormatError("is empty, expected a network", hint="get the file again")
        if _is_text(head) or (head.startswith(_ZIP) and _is_archive(file)):
            return KERAS
    if head[8:9] == b"{":
        return NBIN
    for start, (what, instead) in _REFUSED.items():
        if head.startswith(start):
            raise UnsupportedError(f"is {what}", hint=instead)
    return next(kind for kind, (place, mark) in _FORMATS.items() if head[place:].startswith(mark))


def _is_text(head: bytes) -> bool:
    """True for an object of JSON; the length that a `.nbin` begins with has zeros in it."""
    return head.lstrip(b" \t\r\n").startswith(b"{") and b"\0" not in head


def _is_archive(file: BinaryIO) -> bool:
    from neurobin.frontend.keras.archive import is_keras

    return is_keras(file)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors from within say which file they are about."""
    try:
        yield
    except NeurobinError as error:
        if str(path) in error.where:
            raise
        where = f"{shown(str(path))}: {error.where}" if error.where else shown(str(path))
        raise type(error)(error.what, where=where, hint=error.hint) from None

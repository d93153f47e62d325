"""`Content`: what an HDF5 file holds, as the helper process found it."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurobin.errors import FormatError, UsageError
from neurobin.files import open_regular
from neurobin.frontend.limits import Limits
from neurobin.ir.container import header_bytes, parse_json, read_header

SECONDS = 60  # of the clock, where the processor has other things to do
PROCESSOR_SECONDS = 8
REFUSED, UNREADABLE = 3, 4  # exit codes of the helper: what its line says is of neurobin, or of the library
TEXTS = "texts"  # the array of what is no array; paths of arrays begin with "/"
Texts = str | list[str]
_HELPER = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from neurobin.frontend.hdf5.helper import main
main(*sys.argv[2:])
"""


@dataclass(frozen=True)
class Content:
    """Texts and arrays of data sets, and the attributes of groups, by path: `node/type`, "" for the root."""

    texts: Mapping[str, str]
    arrays: Mapping[str, np.ndarray]
    attributes: Mapping[str, Mapping[str, Texts]]

    def has(self, group: str) -> bool:
        """True where something lies in a group."""
        return any(path.startswith(f"{group}/") for path in (*self.texts, *self.arrays))

    def attribute(self, group: str, name: str) -> Texts | None:
        """An attribute, or one that was too long for the file and is kept in pieces: name0, name1, ...

        None where there is neither.
        """
        stated = self.attributes.get(group, {})
        if name in stated:
            return stated[name]
        pieces: list[Texts] = []
        while f"{name}{len(pieces)}" in stated:
            pieces.append(stated[f"{name}{len(pieces)}"])
        if not pieces:
            return None
        if all(isinstance(piece, str) for piece in pieces):
            return "".join(str(piece) for piece in pieces)
        return [text for piece in pieces for text in ([piece] if isinstance(piece, str) else piece)]


def read(path: Path, limits: Limits) -> Content:
    """What a file holds. Raises FormatError, or UsageError without the h5py package."""
    with open_regular(path) as file:
        limits.check("file_bytes", os.fstat(file.fileno()).st_size, "the size of the file")
    return _content(str(path.absolute()), None, limits)


def read_bytes(data: bytes, limits: Limits) -> Content:
    """What a file of these bytes holds. Raises as `read` does."""
    return _content("-", data, limits)


def _content(name: str, data: bytes | None, limits: Limits) -> Content:
    if importlib.util.find_spec("h5py") is None:
        raise UsageError("reading HDF5 (Keras, NIR) needs the h5py package", hint="pip install 'neurobin[keras]'")
    helper = [sys.executable, "-P", "-c", _HELPER, json.dumps(_places()), name, json.dumps(vars(limits))]
    # Each thread would take its share of what memory there is; and no filter that a file names is looked for as a plugin.
    around = os.environ | {"OPENBLAS_NUM_THREADS": "1", "HDF5_PLUGIN_PRELOAD": "::"}
    try:
        done = subprocess.run(helper, input=data or b"", capture_output=True, timeout=SECONDS, env=around)
    except subprocess.TimeoutExpired:
        raise FormatError(f"took more than {SECONDS} s to read") from None
    if done.returncode in (REFUSED, UNREADABLE):
        hint = "get the file again: it is cut short or damaged, or is no HDF5" if done.returncode == UNREADABLE else ""
        raise FormatError(done.stderr.decode("utf-8", "replace")[:500], hint=hint)
    if done.returncode == -signal.SIGXCPU:
        raise FormatError(f"took the HDF5 library more than {PROCESSOR_SECONDS} s of processor time: the file is damaged")
    if done.returncode:
        raise FormatError(f"ended the HDF5 library with code {done.returncode}: the file is damaged")
    return _unpacked(done.stdout)


def _places() -> list[str]:
    """Where the helper imports from: where this process does, but never the folder it happens to be called in.

    That may be a stranger's, with an h5py.py of his beside the network.
    """
    here = os.getcwd()  # `python -m` puts it first
    return [place for place in sys.path if place not in ("", here)] + [str(Path(__file__).parents[3])]


def _unpacked(out: bytes) -> Content:
    length = header_bytes(out[:8], len(out))
    header = read_header(out[8 : 8 + length], len(out) - 8 - length)
    data = memoryview(out)[8 + length :]
    arrays = {name: slot.read(data) for name, slot in header.slots.items()}  # type: ignore[arg-type]
    said: list[dict[str, Any]] = parse_json(arrays.pop(TEXTS).tobytes(), "answer of the HDF5 library's process")
    texts, attributes = ({path.removeprefix("/"): value for path, value in part.items()} for part in said)
    return Content(texts, {path.removeprefix("/"): values for path, values in arrays.items()}, attributes)

"""Reads an HDF5 file with its library, in a process of its own that `reading` starts.

The library is written in C and has crashed on damaged files; here that ends a helper, and the caller says so. What was
found goes to stdout as the container that `.nbin` files use: one array of bytes, `TEXTS`, with texts and attributes as
JSON, and the arrays by their path. Links to other files, virtual and external data are not followed.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurobin.errors import FormatError
from neurobin.frontend.hdf5.reading import PROCESSOR_SECONDS, REFUSED, TEXTS, UNREADABLE, Texts
from neurobin.frontend.limits import Limits
from neurobin.ir.container import arrange, short, write_container

DEPTH = 12
_ROOM = 2**30  # bytes of address space for the interpreter, numpy and the library, besides what a file may hold


@dataclass
class Found:
    """What a file holds so far: texts of data sets, attributes that are texts or lists of them, and arrays, by path."""

    limits: Limits
    texts: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, Texts]] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    entries: int = 0
    held: int = 0  # bytes

    def count(self, name: str) -> None:
        """One more entry. Raises FormatError for too many, and for a name too long."""
        self.limits.check("text_bytes", len(name), "the length of a name", short(name))
        _check_letters(name, short(name))
        self.entries += 1
        self.limits.check("nodes", self.entries, "the number of entries")

    def hold(self, count: int, where: str) -> None:
        """So many bytes more. Raises FormatError where that is too much of all together."""
        self.held += count
        self.limits.check("total_bytes", self.held, "the size of all data in bytes", where)


def collect(file: Any, limits: Limits) -> Found:
    """What an open file holds. Raises FormatError for what is linked, too large or of another type."""
    import h5py

    found = Found(limits)
    waiting: list[tuple[str, Any]] = [("", file)]
    while waiting:
        path, group = waiting.pop()
        if path.count("/") > DEPTH:
            raise FormatError(f"nests groups more than {DEPTH} deep")
        _attributes(found, path, group)
        for key in group:
            name = f"{path}/{key}"
            found.count(name)
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise FormatError("is a link to somewhere else", where=short(name))
            item = group[key]
            if isinstance(item, h5py.Group):
                waiting.append((name, item))
            elif isinstance(item, h5py.Dataset):
                _data_set(found, name, item)
            else:
                raise FormatError("is neither a group nor data", where=short(name))
    return found


def _attributes(found: Found, path: str, group: Any) -> None:
    """A group's attributes that are texts, lists of texts, or empty."""
    import h5py

    for name in group.attrs:
        found.count(name)
        where = f"attribute {short(name)} of {short(path or '/')}"
        stored = group.attrs.get_id(name)
        empty = stored.shape is None or 0 in stored.shape
        if not empty and h5py.check_string_dtype(stored.dtype) is None:
            continue
        shape = () if empty else _checked(found, stored, where)  # before anything is read
        found.attributes.setdefault(path, {})[name] = [] if empty else _text(found, group.attrs[name], shape, where)


def _checked(found: Found, stored: Any, where: str) -> tuple[int, ...]:
    """The shape of stored texts, none of which is larger than it may be."""
    shape = tuple(stored.shape)
    found.limits.check("list_length", int(np.prod(shape, dtype=object)), "the number of texts", where)
    if stored.dtype.kind == "S":
        found.limits.check("config_bytes", int(stored.dtype.itemsize), "the length of a text", where)
        found.limits.check_tensor(shape, stored.dtype, where)
    return shape


def _text(found: Found, value: Any, shape: tuple[int, ...], where: str) -> Texts:
    """A text, or a list of them, as Python has it."""
    parts = [_decoded(part, where) for part in np.asarray(value, dtype=object).reshape(-1)]
    for part in parts:
        found.limits.check("config_bytes", len(part), "the length of a text", where)
        found.hold(4 * len(part), where)
    return parts if shape else parts[0]


def _decoded(part: Any, where: str) -> str:
    if isinstance(part, bytes):
        return part.decode("utf-8")
    if not isinstance(part, str):
        raise FormatError("is no text", where=where)
    _check_letters(part, where)
    return part


def _check_letters(text: str, where: str) -> None:
    """Raises FormatError for bytes that are not UTF-8, which the library passes on as halves of letters."""
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise FormatError("is not UTF-8", where=where)


def _data_set(found: Found, name: str, item: Any) -> None:
    """A data set's text, or its numbers; texts of several axes become nested lists of JSON."""
    import h5py

    where = short(name)
    if item.is_virtual or item.external:
        raise FormatError("keeps its data in another file", where=where)
    if item.chunks is not None:  # unpacked as a whole, however little of one belongs to the data set
        found.limits.check_tensor(item.chunks, item.dtype, f"{where}, one chunk")
    if item.dtype.kind in "biuf" and item.shape is not None:
        found.hold(found.limits.check_tensor(item.shape, item.dtype, where), where)
        wide = item.dtype.itemsize > 8 or item.dtype.str[1:] == "f2"
        kind = np.dtype(np.float64) if wide else np.dtype("u1") if item.dtype.kind == "b" else item.dtype
        found.arrays[name] = np.asarray(item[()], dtype=kind)
        return
    if h5py.check_string_dtype(item.dtype) is None or item.shape is None:
        raise FormatError(f"is of type {item.dtype}", where=where)
    shape = _checked(found, item, where)
    if 0 in shape:
        found.texts[name] = json.dumps(np.zeros(shape).tolist())
        return
    value = _text(found, item.asstr()[()], shape, where)
    found.texts[name] = value if isinstance(value, str) else json.dumps(np.array(value, object).reshape(shape).tolist())


def _bounded(limits: Limits) -> None:
    """Holds this process to the memory and the time that a file may take, where the system can.

    Damaged trees of groups have led the library round in circles.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        most = _ROOM + 2 * limits.total_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 1))


def main(path: str, limits: str) -> None:
    """Writes the container, or one line of what is wrong. The file is one by its path, or - for stdin."""
    import h5py

    try:
        bounds = Limits(**json.loads(limits))
        source = io.BytesIO(sys.stdin.buffer.read()) if path == "-" else path
        _bounded(bounds)
        with h5py.File(source, "r") as file:
            found = collect(file, bounds)
        said = json.dumps([found.texts, found.attributes]).encode()
        arrays = arrange({**found.arrays, TEXTS: np.frombuffer(said, np.uint8)})
        for chunk in write_container({}, arrays):
            sys.stdout.buffer.write(chunk)
    except FormatError as error:
        sys.stderr.write(str(error))
        sys.exit(REFUSED)
    except MemoryError:
        sys.stderr.write("takes more memory than its limits let it have")
        sys.exit(REFUSED)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, ArithmeticError) as error:
        sys.stderr.write(f"is no HDF5 file that can be read: {short(str(error))}")
        sys.exit(UNREADABLE)

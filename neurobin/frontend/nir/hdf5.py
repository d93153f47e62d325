"""Reads a NIR file with the HDF5 library, in a process of its own: `python -m neurobin.frontend.nir.hdf5 FILE LIMITS`.

The library is written in C and has crashed on damaged files; here that ends a helper, and the caller says so. What it found
goes to stdout as the container that `.nbin` files use: texts and arrays by path, nothing else. Links to other files, virtual
and external data are not followed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from neurobin.errors import FormatError
from neurobin.frontend.limits import Limits
from neurobin.ir.container import arrange, short, write_container

DEPTH = 8


def collect(path: str, limits: Limits) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """(texts, arrays) of a file by path within it. Raises FormatError for what is linked, too large or of another type."""
    import h5py

    texts: dict[str, str] = {}
    arrays: dict[str, np.ndarray] = {}
    with h5py.File(path, "r") as file:
        waiting: list[tuple[str, Any]] = [("", file)]
        while waiting:
            prefix, group = waiting.pop()
            if prefix.count("/") > DEPTH:
                raise FormatError(f"nests groups more than {DEPTH} deep")
            for key in group:
                name = f"{prefix}/{key}" if prefix else key
                limits.check("text_bytes", len(name), "the length of a name", short(name))
                limits.check("nodes", len(texts) + len(arrays) + len(waiting), "the number of entries")
                if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                    raise FormatError("is a link to somewhere else", where=short(name))
                item = group[key]
                if isinstance(item, h5py.Group):
                    waiting.append((name, item))
                    continue
                value = _value(item, limits, short(name))
                if isinstance(value, str):
                    texts[name] = value
                else:
                    arrays[name] = value
    return texts, arrays


def _value(item: Any, limits: Limits, where: str) -> str | np.ndarray:
    """A data set's text, or its numbers; a list of texts becomes one of JSON."""
    if item.is_virtual or item.external:
        raise FormatError("keeps its data in another file", where=where)
    if item.dtype.kind in "biuf":
        limits.check_tensor(item.shape, item.dtype, where)
        wide = item.dtype.itemsize > 8 or item.dtype.str[1:] == "f2"
        kind = np.dtype(np.float64) if wide else np.dtype("u1") if item.dtype.kind == "b" else item.dtype
        return np.asarray(item[()], dtype=kind)
    if item.dtype.kind not in "OS":
        raise FormatError(f"is of type {item.dtype}", where=where)
    limits.check("list_length", int(np.prod(item.shape, dtype=np.int64)), "the number of texts", where)
    found = item.asstr()[()]
    return found if isinstance(found, str) else json.dumps(np.asarray(found, dtype=object).tolist())


def main(path: str, limits: str) -> None:
    """Writes the container, or one line of what is wrong and exit code 3."""
    try:
        texts, arrays = collect(path, Limits(**json.loads(limits)))
        for chunk in write_container(texts, arrange(arrays)):
            sys.stdout.buffer.write(chunk)
    except FormatError as error:
        sys.stderr.write(str(error))
        sys.exit(3)
    except (OSError, ValueError, KeyError, RuntimeError, UnicodeError) as error:
        sys.stderr.write(f"is no HDF5 file that can be read: {short(str(error))}")
        sys.exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:3])

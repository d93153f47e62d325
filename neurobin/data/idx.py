"""IDX files (MNIST, Fashion-MNIST), plain or gzipped.

Header: two zero bytes, element type 0x08 (unsigned byte), number of axes, one big-endian 32-bit size per axis; then data.
The file is untrusted: sizes are checked against a bound before anything is decompressed or allocated.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from io import BufferedReader
from math import prod
from pathlib import Path

import numpy as np

from neurobin.errors import FormatError

UNSIGNED_BYTE = 0x08
MAX_BYTES = 1 << 30


def read_idx(path: Path, axes: int) -> np.ndarray:
    """uint8 array with `axes` axes. Raises FormatError when the file is not a whole IDX file of unsigned bytes."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            return _read(file, axes, str(path))
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"cannot read: {error}", where=str(path), hint="fetch the file again") from error


def _read(file: gzip.GzipFile | BufferedReader, axes: int, where: str) -> np.ndarray:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != UNSIGNED_BYTE:
        raise FormatError(
            f"expected an IDX header of unsigned bytes (00 00 08 {axes:02x}), got {head.hex(' ')}", where=where
        )
    if head[3] != axes:
        raise FormatError(f"expected {axes} axes, the header states {head[3]}", where=where)
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise FormatError("the file ends within its header", where=where, hint="fetch the file again")
    shape = struct.unpack(f">{axes}I", sizes)
    count = prod(shape)
    if not 1 <= count <= MAX_BYTES:
        raise FormatError(f"the header states shape {shape}, expected 1 to {MAX_BYTES} elements", where=where)
    data = file.read(count + 1)
    if len(data) != count:
        stated = f"shape {shape} takes {count} bytes"
        raise FormatError(f"{stated}, the file holds {'more' if len(data) > count else len(data)}", where=where)
    return np.frombuffer(data, np.uint8).reshape(shape)

"""Data sets in numpy archives (never unpickled): Keras-style arrays, or JPEG byte strings end to end."""

from __future__ import annotations

import io
import lzma
import os
import zipfile
import zlib
from itertools import pairwise
from math import prod
from pathlib import Path

import numpy as np

from neurobin.errors import FormatError, UsageError
from neurobin.files import open_regular

Arrays = dict[str, np.ndarray]
MAX_BYTES = 1 << 32
MAX_GROWTH = 100  # times that unpacking makes an archive larger: images compress ten times, zeros a thousand
SMALL = 1 << 24  # bytes that are unpacked whatever they were packed to
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(path: Path, keys: tuple[str, ...]) -> Arrays:
    """The named arrays. Raises FormatError when the archive is damaged, lacks one, is pickled or unreasonably large."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            entries = _entries(archive, os.fstat(file.fileno()).st_size)
            missing = [key for key in keys if f"{key}.npy" not in entries]
            if missing:
                raise FormatError(f"expected arrays {', '.join(keys)}, missing {', '.join(missing)}")
            return {key: _array(archive, entries[f"{key}.npy"]) for key in keys}
    except FormatError as error:
        raise FormatError(error.what, where=str(path), hint=error.hint) from None
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        # RuntimeError: a password, or a compression that is not known (NotImplementedError)
        raise FormatError(
            f"cannot read: {str(error).partition(chr(10))[0]}", where=str(path), hint="fetch the file again"
        ) from error


def _entries(archive: zipfile.ZipFile, packed: int) -> dict[str, zipfile.ZipInfo]:
    """The members of an archive of that many bytes by name. Raises FormatError for two of one name, or too many bytes."""
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(entries) < len(archive.infolist()):
        raise FormatError("two members of the archive have one name")
    total = sum(entry.file_size for entry in entries.values())
    most = min(MAX_BYTES, max(SMALL, MAX_GROWTH * packed))
    if total > most:
        raise FormatError(f"the archive unpacks to {total} bytes, expected at most {most} of its {packed}")
    return entries


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    """One member, whose header must state as many bytes as it has before any of them is allocated."""
    with archive.open(entry) as member:
        version = np.lib.format.read_magic(member)
        if version not in _HEADERS:
            raise FormatError(f"{entry.filename} is of version {version}, expected 1.0 or 2.0")
        shape, _, kind = _HEADERS[version](member)
        if kind.hasobject:
            raise FormatError(f"cannot read {entry.filename}: it is pickled, which may run code")
        stated = member.tell() + prod(shape) * kind.itemsize
        if min(shape, default=0) < 0 or stated != entry.file_size:
            raise FormatError(f"{entry.filename} states {kind}{list(shape)}, it has {entry.file_size} bytes")
    with archive.open(entry) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def read_jpegs(path: Path, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 [N, H, W, 3], labels [N]) from `jpeg` (all bytes), `offset` [N + 1] and `y` [N]. Needs Pillow."""
    arrays = read_npz(path, ("jpeg", "offset", "y"))
    stream, offset, labels = arrays["jpeg"], arrays["offset"], arrays["y"]
    whole = stream.dtype == np.uint8 and offset.dtype.kind in "iu" and offset.shape == (len(labels) + 1,)
    if not whole or offset[0] < 0 or offset[-1] > stream.size or (np.diff(offset.astype(np.int64)) < 1).any():
        raise FormatError("offsets must ascend within the bytes, one more than there are labels", where=str(path))
    raw = stream.tobytes()
    images = [
        _decode(raw[start:stop], size, f"{path}, image {index}") for index, (start, stop) in enumerate(pairwise(offset))
    ]
    return np.stack(images), labels


def _decode(data: bytes, size: tuple[int, int], where: str) -> np.ndarray:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise UsageError("JPEG images need Pillow", where=where, hint="pip install neurobin[images]") from None
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if (image.height, image.width) != size:
                raise FormatError(f"expected {size[0]}x{size[1]} pixels, got {image.height}x{image.width}", where=where)
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise FormatError(f"not a whole JPEG: {error}", where=where) from error

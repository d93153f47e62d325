"""The `.keras` archive: a zip of metadata.json, config.json and model.weights.h5. Nothing is written to the disk."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from neurobin.errors import FormatError
from neurobin.files import open_regular
from neurobin.frontend.limits import Limits

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_SMALL = 2**16  # bytes of the metadata
_DIRECTORY = 2**20  # bytes of the list of members
_TAIL = 2**16 + 22  # bytes: the end's own and the longest comment
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others take memory that only their own data states
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_DAMAGED = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def is_keras(file: BinaryIO) -> bool:
    """True for a zip archive, open for reading, that holds what a Keras archive does."""
    try:
        _check_directory(file)
        with zipfile.ZipFile(file) as archive:
            return {CONFIG, WEIGHTS} <= set(archive.namelist())
    except _DAMAGED:
        return False


def _check_directory(file: BinaryIO) -> None:
    """Raises BadZipFile where the list of members is longer than any network's, before it is read into objects."""
    file.seek(max(0, file.seek(0, 2) - _TAIL))
    tail = file.read(_TAIL)
    ends = [tail[place : place + 16] for place in range(len(tail)) if tail.startswith(_END, place)]
    if _END_64 in tail or any(int.from_bytes(end[12:], "little") > _DIRECTORY for end in ends):
        raise zipfile.BadZipFile("its list of members is too long")


def unpacked(path: Path, limits: Limits) -> tuple[bytes, bytes, bytes]:
    """(metadata, description, weights in HDF5). Raises FormatError for a damaged archive and for members too large."""
    with open_regular(path) as file:
        limits.check("file_bytes", os.fstat(file.fileno()).st_size, "the size of the file")
        try:
            _check_directory(file)
            with zipfile.ZipFile(file) as archive:
                metadata = _member(archive, METADATA, limits, _SMALL)
                config = _member(archive, CONFIG, limits, limits.config_bytes)
                return metadata, config, _member(archive, WEIGHTS, limits, limits.file_bytes)
        except _DAMAGED as error:
            # RuntimeError: a password, or a compression that is not known (NotImplementedError)
            raise FormatError(f"is no whole archive: {str(error).partition(chr(10))[0][:200]}") from None


def _member(archive: zipfile.ZipFile, name: str, limits: Limits, most: int) -> bytes:
    """The bytes of a member, which states how many it has. Raises FormatError for two of one name, none, or too many."""
    found = [entry for entry in archive.infolist() if entry.filename == name]
    if len(found) != 1:
        raise FormatError(f"holds {len(found)} members {name}, expected one")
    if found[0].compress_type not in _PACKED:
        raise FormatError(f"packs {name} as Keras does not", hint="is it what model.save('x.keras') wrote?")
    limits.check("file_bytes" if name == WEIGHTS else "config_bytes", found[0].file_size, f"the size of {name}")
    with archive.open(found[0]) as member:
        data = member.read(most + 1)
    if len(data) != found[0].file_size:
        raise FormatError(f"{name} states {found[0].file_size} bytes, it has another number")
    return data

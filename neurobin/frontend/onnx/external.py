"""External data: tensors in files beside the model. A path in a file is a claim by a stranger, so it is followed carefully.

Files are read only below the model's folder: no absolute path, no "..", no link of any kind, no device. Known attacks on
other loaders: CVE-2022-25882, CVE-2024-27318 (climbing out), CVE-2026-27489, -34446, -34447 (links).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from neurobin.errors import FormatError
from neurobin.frontend.limits import Limits
from neurobin.ir.container import short

if TYPE_CHECKING:
    from onnx import StringStringEntryProto

KEYS = {"location", "offset", "length", "checksum"}
LONGEST = 4096  # letters of a path
LINK = {errno.ELOOP, errno.ENOTDIR}  # what opening a link without following it fails with: of a file, of a folder


@dataclass(frozen=True)
class Folder:
    """Where a model lies; None for a model that came without one, whose external data cannot be found."""

    path: Path | None
    limits: Limits

    def read(self, entries: Iterable[StringStringEntryProto], length: int, where: str) -> bytes:
        """The `length` bytes that the entries of an external tensor point to. Raises FormatError saying why not."""
        stated = _entries(entries, where)
        if self.path is None:
            raise FormatError("its data is in another file, the model came without a folder", where=where)
        offset = _count(stated.get("offset", "0"), "offset", where)
        if "length" in stated and (found := _count(stated["length"], "length", where)) != length:
            raise FormatError(f"states {found} bytes of external data, its shape takes {length}", where=where)
        with _open(self.path, stated["location"], where) as file:
            size = os.fstat(file.fileno()).st_size
            self.limits.check("file_bytes", size, f"the size of {short(stated['location'])}", where)
            if offset + length > size:
                raise FormatError(f"wants bytes {offset} to {offset + length} of a file of {size}", where=where)
            file.seek(offset)
            data = file.read(length)
        if len(data) != length:
            raise FormatError(f"got {len(data)} of {length} bytes of external data", where=where)
        return data


def _entries(entries: Iterable[StringStringEntryProto], where: str) -> dict[str, str]:
    stated: dict[str, str] = {}
    for entry in entries:
        if entry.key not in KEYS or entry.key in stated:
            raise FormatError(f"external data has the key {short(entry.key)} twice, or it has no meaning", where=where)
        stated[entry.key] = entry.value
    if "location" not in stated:
        raise FormatError("external data without a location", where=where)
    return stated


def _count(text: str, what: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise FormatError(f"the {what} of external data is {text[:40]!r}, expected a whole number", where=where)
    return int(text)


def _open(folder: Path, location: str, where: str) -> BinaryIO:
    """The file, opened so that no part of its path below the folder is a link."""
    parts = PurePosixPath(location[: LONGEST + 1]).parts
    odd = len(location) > LONGEST or "\0" in location or "\\" in location
    if odd or not parts or location.startswith("/") or ".." in parts:
        raise FormatError(f"external data at {short(location)}, expected a path below the model's folder", where=where)
    handle = file = -1
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(handle)
            handle = inner
        file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
    except (OSError, UnicodeEncodeError) as error:
        number = getattr(error, "errno", None)
        reason = "is or lies behind a link" if number in LINK else (getattr(error, "strerror", "") or "no file name").lower()
        raise FormatError(f"external data at {short(location)}: {reason}", where=where) from None
    finally:
        if handle >= 0:
            os.close(handle)
    state = os.fstat(file)
    if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
        os.close(file)
        raise FormatError(
            f"external data at {short(location)} is no file of its own (a folder or device, or linked twice)", where=where
        )
    return os.fdopen(file, "rb")

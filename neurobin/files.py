"""Files that are there whole or not at all: written aside in the same folder, flushed to the disk, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from neurobin.errors import FormatError


def write_atomic(path: Path, chunks: Iterable[bytes]) -> None:
    """Write `chunks` to `path`, replacing what was there only when everything is on the disk.

    A link is followed, so the file behind it is replaced. Nothing is left behind on an error or an interrupt. Raises
    FormatError when the system refuses (no folder, no permission, disk full) or `path` is not a regular file.
    """
    if "\0" in str(path):
        raise FormatError("a file name holds no NUL character", where=repr(str(path)))
    target = Path(os.path.realpath(path))
    if os.path.exists(target) and not os.path.isfile(target):  # unlike Path's, these never raise
        raise FormatError("is not a regular file, and is not replaced", where=str(path), hint="another file name")
    aside = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with open(aside, "xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, target)
    except OSError as error:
        hint = "check that the folder exists, may be written and has space"
        raise FormatError(f"cannot be written: {error.strerror or error}", where=str(path), hint=hint) from None
    finally:
        with suppress(OSError):
            aside.unlink()
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the file system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

"""Files of strangers, read without trust; files of our own, there whole or not at all.

Writing goes aside in the same folder, is flushed to the disk, then renamed.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from neurobin.errors import FormatError


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open for reading. Raises FormatError for anything else, for devices and pipes without waiting."""
    if "\0" in str(path):
        raise FormatError("a file name holds no NUL character")
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FormatError("is not a regular file")
            yield file
    except FileNotFoundError:
        raise FormatError("there is no such file") from None
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}") from None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # or opening a pipe would wait for its writer


def read_text(path: Path, limit_bytes: int) -> str:
    """A UTF-8 file of at most `limit_bytes`. Raises FormatError for anything else."""
    with open_regular(path) as file:
        raw = file.read(limit_bytes + 1)
    if len(raw) > limit_bytes:
        raise FormatError(f"is longer than {limit_bytes} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"is not UTF-8 at byte {error.start}") from None


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

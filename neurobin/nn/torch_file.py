"""What `torch.save` wrote, read without running any code: tensors and plain values, or an error."""

from __future__ import annotations

import pickle
import zipfile
from typing import BinaryIO

import torch

FOLDER_BIT = 0x10  # of an entry's external attributes (APPNOTE.TXT 4.4.15, as MS-DOS has them)


def read_torch_file(file: BinaryIO) -> object:
    """The one value in a zip archive of torch's. Raises whatever zipfile, the unpickler or torch's storages are led to.

    torch looks at no checksum, takes an entry marked as a folder for empty, and inflates an entry that is compressed, which
    its own never are: what an archive unpacks to is no more than the file itself.
    """
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        compressed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
        if compressed:
            raise zipfile.BadZipFile(f"its part {compressed[0]} is compressed, torch writes none that is")
        if sum(entry.file_size for entry in entries) > file.seek(0, 2):
            raise zipfile.BadZipFile("its parts overlap: together they are larger than the file")
        damaged = archive.testzip()
        folders = [entry.filename for entry in entries if entry.external_attr & FOLDER_BIT]
    if damaged is not None or folders:
        raise zipfile.BadZipFile(f"its part {damaged or folders[0]} is not what was written")
    file.seek(0)
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # with advice on how to run its code all the same
        raise zipfile.BadZipFile("it holds more than tensors and plain values") from error


def first_line(error: Exception) -> str:
    """What an error says, or what it is when it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)

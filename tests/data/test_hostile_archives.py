"""Archives that mean harm: each is refused with a reason, before memory is taken for what it promises."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from neurobin.data.archives import read_npz
from neurobin.errors import FormatError

MOST_BYTES = 2**24  # while a small archive is refused


def member(shape: str, kind: str = "|u1", data: bytes = b"xx", version: int = 1) -> bytes:
    """A .npy file with a header that says so."""
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def packed(*members: bytes) -> Callable[[Path], object]:
    """An archive with these members, all of one name."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for data in members:
                archive.writestr("a.npy", data)

    return write


def locked(path: Path) -> None:
    """An archive that says it has a password: a bit in both of the places that describe its member."""
    packed(member("(2,)"))(path)
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)


HOSTILE = {
    "a terabyte": (packed(member("(1000000000000,)")), r"states uint8\[1000000000000\], it has"),
    "a long text, often": (packed(member("(1000000000000,)", "<U1000000")), "states <U1000000"),
    "sizes whose product overflows": (packed(member("(4294967296, 4294967296)")), "it has"),
    "a negative size": (packed(member("(-2,)")), r"states uint8\[-2\]"),
    "two sizes below 0": (packed(member("(-1, -2)")), r"states uint8\[-1, -2\]"),
    "a size of 5,000 digits": (packed(member("9" * 5000)), "cannot read"),
    "code for a shape": (packed(member("__import__('os').abort()")), "cannot read"),
    "deep brackets": (packed(member("(" * 4000 + ")" * 4000)), "cannot read"),
    "pickled": (packed(member("(1,)", "|O", b"\x80\x04cos\nabort\n.")), "pickled, which may run code"),
    "a version of its own": (packed(member("(2,)", version=9)), r"version \(9, 0\)"),
    "no array at all": (packed(b"PK"), "cannot read"),
    "more bytes than stated": (packed(member("(1,)")), "it has"),
    "two of one name": (packed(member("(2,)"), member("(2,)")), "two members of the archive have one name"),
    "a bomb": (packed(member("(67108864,)", data=bytes(2**26))), "unpacks to 671"),
    "a password": (locked, "cannot read: .* password"),
    "a pipe": (os.mkfifo, "not a regular file"),
    "a folder": (Path.mkdir, "not a regular file|directory"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused(tmp_path, name):
    write, words = HOSTILE[name]
    path = tmp_path / "data.npz"
    write(path)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=words) as caught:
            read_npz(path, ("a",))
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)

"""FlatBuffers, read without trust: every offset, length and table stays inside the file, and all that is read is counted.

A table is an int32 that leads back to its vtable, then fields; the vtable holds uint16: its own size, the table's size,
and per slot the place of the field in the table, 0 where it is left out. Vectors and texts stand behind a uint32 offset and
begin with a uint32 count. Little-endian throughout (flatbuffers.dev/internals). Offsets may lead many tables to the same
bytes, so what is limited is what is read in all, not the size of the file.
"""

from __future__ import annotations

import numpy as np

from neurobin.errors import FormatError
from neurobin.frontend.limits import Limits

_DAMAGED = "the file is cut short or damaged"
_TABLE = 10  # numbers that a table or a text counts for
_U16, _U32, _I32 = np.dtype("<u2"), np.dtype("<u4"), np.dtype("<i4")


class File:
    """The bytes, and how many tables and elements were read of them."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.data, self.limits, self.count = data, limits, 0

    def root(self) -> Table:
        """The table that the first four bytes lead to."""
        return Table(self, int(self.number(0, _U32, "the file")), "the model")

    def number(self, at: int, kind: np.dtype, where: str) -> int | float:
        """One number at a byte. Raises FormatError when it does not lie in the file."""
        self.need(at, kind.itemsize, where)
        raw = self.data[at : at + kind.itemsize]
        if kind.kind == "f":
            return float(np.frombuffer(raw, kind)[0])
        return int.from_bytes(raw, "little", signed=kind.kind == "i")

    def need(self, at: int, size: int, where: str) -> None:
        """Raises FormatError unless bytes at ... at + size - 1 are in the file."""
        if at < 0 or size < 0 or at + size > len(self.data):
            raise FormatError(f"leads to byte {at + size} of {len(self.data)}", where=where, hint=_DAMAGED)

    def spend(self, count: int, where: str) -> None:
        """Raises FormatError when more is read than the limits allow."""
        self.count += count
        self.limits.check("fields", self.count, "the number of tables, texts and numbers read", where)


class Table:
    """One table; `where` names it in errors. Slots count from 0 in the order of the schema."""

    def __init__(self, file: File, at: int, where: str) -> None:
        self.file, self.at, self.where = file, at, where
        file.spend(_TABLE, where)
        self.vtable = at - int(file.number(at, _I32, where))
        self.vtable_bytes, self.bytes = (int(file.number(self.vtable + 2 * index, _U16, where)) for index in range(2))
        if self.vtable_bytes < 4 or self.vtable_bytes % 2 or self.bytes < 4:
            what = f"has a vtable of {self.vtable_bytes} bytes for a table of {self.bytes}"
            raise FormatError(what, where=where, hint=_DAMAGED)
        file.need(self.vtable, self.vtable_bytes, where)
        file.need(at, self.bytes, where)

    def _place(self, slot: int, size: int) -> int | None:
        """The byte of a field of that many bytes, None where it is left out."""
        if 4 + 2 * slot + 2 > self.vtable_bytes:
            return None
        offset = int(self.file.number(self.vtable + 4 + 2 * slot, _U16, self.where))
        if offset == 0:
            return None
        if offset < 4 or offset + size > self.bytes:
            raise FormatError(f"field {slot} stands at byte {offset} of {self.bytes}", where=self.where, hint=_DAMAGED)
        return self.at + offset

    def _target(self, slot: int) -> int | None:
        place = self._place(slot, 4)
        return None if place is None else place + int(self.file.number(place, _U32, self.where))

    def number(self, slot: int, kind: np.dtype, default: int | float) -> int | float:
        """A scalar field."""
        place = self._place(slot, kind.itemsize)
        return default if place is None else self.file.number(place, kind, self.where)

    def integer(self, slot: int, kind: str, default: int = 0) -> int:
        """A scalar field of a whole-number type."""
        return int(self.number(slot, np.dtype(kind), default))

    def table(self, slot: int, where: str = "") -> Table | None:
        """The table a field leads to."""
        target = self._target(slot)
        return None if target is None else Table(self.file, target, where or self.where)

    def numbers(self, slot: int, kind: str) -> np.ndarray | None:
        """A vector of numbers, as a view of the file; each counts."""
        found = self._vector(slot, np.dtype(kind))
        if found is not None:
            self.file.spend(len(found), self.where)
        return found

    def raw(self, slot: int) -> np.ndarray | None:
        """A vector of bytes, as a view of the file: it takes no memory, so it does not count."""
        return self._vector(slot, np.dtype("u1"))

    def _vector(self, slot: int, kind: np.dtype) -> np.ndarray | None:
        target = self._target(slot)
        if target is None:
            return None
        count = int(self.file.number(target, _U32, self.where))
        self.file.need(target + 4, count * kind.itemsize, self.where)
        return np.frombuffer(self.file.data, kind, count, target + 4)

    def tables(self, slot: int, what: str) -> list[Table]:
        """A vector of tables, named `what` and their index in errors."""
        target = self._target(slot)
        if target is None:
            return []
        offsets = self._vector(slot, _U32)
        assert offsets is not None
        self.file.spend(len(offsets), self.where)
        return [
            Table(self.file, target + 4 + 4 * index + offset, f"{what} {index}")
            for index, offset in enumerate(offsets.tolist())
        ]

    def text(self, slot: int) -> str:
        """A text, "" where it is left out. Raises FormatError for too long ones and for other bytes than UTF-8."""
        found = self.raw(slot)
        if found is None:
            return ""
        self.file.spend(_TABLE, self.where)
        self.file.limits.check("text_bytes", len(found), "the length of a text", self.where)
        try:
            return found.tobytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormatError(f"field {slot} is not UTF-8 at byte {error.start}", where=self.where) from None

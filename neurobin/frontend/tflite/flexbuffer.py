"""FlexBuffers, as far as Larq Compute Engine's options need them: one flat map of whole numbers, read without trust.

The last byte is the width of the root, the one before it the root's type, and the root's value stands before that. A map is
a vector of values behind three numbers (how far back its keys are, their width, its length), followed by one type byte per
value; a type byte is the kind times 4 plus the logarithm of a width (flatbuffers.dev/flatbuffers/flexbuffers).
"""

from __future__ import annotations

import numpy as np

from neurobin.errors import FormatError, UnsupportedError
from neurobin.ir.container import short

_INT, _UINT, _MAP, _BOOL = 1, 2, 9, 26
_WIDTHS = (1, 2, 4, 8)
MAX_BYTES = 2**16
MAX_OPTIONS = 64
MAX_KEY_BYTES = 64


def read_options(data: np.ndarray, where: str) -> dict[str, int]:
    """uint8 [n] -> the map's numbers by name. Raises FormatError for damage, UnsupportedError for other kinds of value."""
    if len(data) > MAX_BYTES:
        raise FormatError(f"has options of {len(data)} bytes, at most {MAX_BYTES} are read", where=where)
    return _Bytes(data.tobytes(), where).options()


class _Bytes:
    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where = data, where

    def options(self) -> dict[str, int]:
        end = len(self.data) - 2
        width, packed = self.number(end + 1, 1), self.number(end, 1)
        if width not in _WIDTHS or packed >> 2 != _MAP:
            raise self.damaged(f"the options are of kind {packed >> 2} and width {width}, expected a map")
        values, wide = self.back(end - width, width), 1 << (packed & 3)
        count = self.number(values - wide, wide)
        if count > MAX_OPTIONS:
            raise self.damaged(f"states {count} options, at most {MAX_OPTIONS} are read")
        keys, key_width = self.back(values - 3 * wide, wide), self.number(values - 2 * wide, wide)
        if key_width not in _WIDTHS or self.number(keys - key_width, key_width) != count:
            raise self.damaged("the options have other keys than values")
        found: dict[str, int] = {}
        for index in range(count):
            name = self.key(self.back(keys + index * key_width, key_width))
            if name in found:
                raise self.damaged(f"option {short(name)} stands there twice")
            kind = self.number(values + count * wide + index, 1) >> 2
            if kind not in (_INT, _UINT, _BOOL):
                raise UnsupportedError(f"option {short(name)} is of kind {kind}, expected a whole number", where=self.where)
            found[name] = self.number(values + index * wide, wide, signed=kind == _INT)
        return found

    def number(self, at: int, width: int, signed: bool = False) -> int:
        if at < 0 or at + width > len(self.data):
            raise self.damaged(f"the options lead to byte {at + width} of {len(self.data)}")
        return int.from_bytes(self.data[at : at + width], "little", signed=signed)

    def back(self, at: int, width: int) -> int:
        """The place that an offset leads back to."""
        return at - self.number(at, width)

    def key(self, at: int) -> str:
        end = self.data.find(b"\0", max(at, 0), max(at, 0) + MAX_KEY_BYTES)
        if at < 0 or end < 0:
            raise self.damaged("the name of an option has no end")
        return self.data[at:end].decode("ascii", "replace")

    def damaged(self, what: str) -> FormatError:
        return FormatError(what, where=self.where, hint="the file is damaged, or of an old converter: convert it again")

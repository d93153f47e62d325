"""The outer layer of a `.nbin` file: a safetensors container, written and read here because it is a security boundary.

    8 bytes   length N of the header, little-endian
    N bytes   JSON, padded with spaces: {"__metadata__": {key: text}, tensor: {"dtype", "shape", "data_offsets"}}
    rest      the tensors, little-endian, row-major, without gaps, in the order of their offsets

The safetensors library reads what is written here. What is read here is checked before anything is allocated: a tensor
takes as many bytes as its shape says, and the bytes are in the file. Format: github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any

import numpy as np

from neurobin.errors import FormatError
from neurobin.ir.types import MAX_AXES

MAX_HEADER_BYTES = 16 * 2**20
MAX_FILE_BYTES = 2**30

_CODES = ("u1", "i1", "<u2", "<i2", "<i4", "<i8", "<u8", "<f4", "<f8")
_KINDS = {f"{np.dtype(code).kind.upper()}{8 * np.dtype(code).itemsize}": np.dtype(code) for code in _CODES}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_WHOLE = "copy the file again; it is cut short or damaged"


@dataclass(frozen=True)
class Slot:
    """Where one tensor lies: numpy type, shape, first byte and byte after the last, counted from the end of the header."""

    kind: np.dtype
    shape: tuple[int, ...]
    begin: int
    end: int

    def read(self, data: bytes) -> np.ndarray:
        """The tensor, from the bytes behind the header (a view)."""
        return np.frombuffer(data, self.kind, prod(self.shape), self.begin).reshape(self.shape)


@dataclass(frozen=True)
class Header:
    """What the header says: texts and tensors by name. `data_bytes` follow it in the file."""

    metadata: Mapping[str, str]
    slots: Mapping[str, Slot]
    data_bytes: int


def arrange(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors little-endian and row-major in the order of the file: wide ones first (all are aligned), then by name."""
    little = {name: array.astype(array.dtype.newbyteorder("<"), order="C") for name, array in tensors.items()}
    return {name: little[name] for name in sorted(little, key=lambda name: (-little[name].itemsize, name))}


def write_container(metadata: Mapping[str, str], arranged: Mapping[str, np.ndarray]) -> Iterator[bytes]:
    """The file in chunks: the header, then each of the arranged tensors. Raises FormatError when it would be too large."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)}
    begin = 0
    for name, array in arranged.items():
        end = begin + array.nbytes
        entries[name] = {"dtype": _NAMES[array.dtype], "shape": array.shape, "data_offsets": [begin, end]}
        begin = end
    header = json.dumps(entries, separators=(",", ":"), allow_nan=False).encode()
    header += b" " * (-len(header) % 8)
    if len(header) > MAX_HEADER_BYTES or 8 + len(header) + begin > MAX_FILE_BYTES:
        raise FormatError(
            f"a model file is limited to {MAX_FILE_BYTES} bytes with {MAX_HEADER_BYTES} of header,"
            f" this one would take {8 + len(header) + begin} with {len(header)}"
        )
    yield len(header).to_bytes(8, "little") + header
    for array in arranged.values():
        yield array.tobytes()


def header_bytes(first: bytes, file_bytes: int) -> int:
    """The header's length from a file's first 8 bytes. Raises FormatError when there is no room for it."""
    if file_bytes > MAX_FILE_BYTES:
        raise FormatError(f"has {file_bytes} bytes, a model file is limited to {MAX_FILE_BYTES}")
    if len(first) < 8:
        raise FormatError(f"has {len(first)} bytes, a model file starts with 8 bytes of length", hint=_WHOLE)
    length = int.from_bytes(first, "little")
    if length > MAX_HEADER_BYTES:
        raise FormatError(f"states a header of {length} bytes, the limit is {MAX_HEADER_BYTES}", hint="is it a .nbin file?")
    if length > file_bytes - 8:
        raise FormatError(f"states a header of {length} bytes, only {file_bytes - 8} follow", hint=_WHOLE)
    return length


def read_header(raw: bytes, data_bytes: int) -> Header:
    """The checked header of a file with `data_bytes` behind it. Raises FormatError saying what is wrong with it."""
    entries = parse_json(raw, "header")
    if not isinstance(entries, dict):
        raise FormatError("the header is not a JSON object", hint="is it a .nbin file?")
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise FormatError("the header's __metadata__ is not an object of texts")
    slots = {name: _slot(name, entry) for name, entry in entries.items()}
    end = 0
    for name, slot in sorted(slots.items(), key=lambda item: (item[1].begin, item[1].end)):
        if slot.begin != end:
            wrong = f"starts at byte {slot.begin}, expected {end} (no gap, no overlap)"
            raise FormatError(wrong, where=f"tensor {short(name)}")
        end = slot.end
    if end != data_bytes:
        raise FormatError(f"the tensors take {end} bytes, {data_bytes} follow the header", hint=_WHOLE)
    return Header(metadata, slots, data_bytes)


def _slot(name: str, entry: object) -> Slot:
    """One entry of the header, checked."""
    where = f"tensor {short(name)}"
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise FormatError("expected dtype, shape and data_offsets, nothing else", where=where)
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _KINDS:
        raise FormatError(f"unknown dtype {kind!r}, expected one of {', '.join(_KINDS)}", where=where)
    if not _counts(shape) or len(shape) > MAX_AXES:
        raise FormatError(f"expected a shape of at most {MAX_AXES} counts, got {short(shape)}", where=where)
    if not _counts(offsets) or len(offsets) != 2:
        raise FormatError(f"expected two byte offsets, got {short(offsets)}", where=where)
    slot = Slot(_KINDS[kind], tuple(shape), *offsets)
    needed = prod(slot.shape) * slot.kind.itemsize
    if slot.end - slot.begin != needed:
        raise FormatError(f"shape {slot.shape} of {kind} takes {needed} bytes, has {slot.end - slot.begin}", where=where)
    return slot


def _counts(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= MAX_FILE_BYTES for item in value)


def short(value: object) -> str:
    """`repr`, cut to 80 characters: what a file says is not always short."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def parse_json(raw: bytes, what: str) -> Any:
    """JSON without its traps. Raises FormatError for other bytes than UTF-8, duplicate keys, NaN, infinity, deep nesting."""
    try:
        return json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise FormatError(f"the {what} is not UTF-8 at byte {error.start}", hint="is it a .nbin file?") from None
    except json.JSONDecodeError as error:
        raise FormatError(f"the {what} is not JSON: {error.msg} at character {error.pos}", hint=_WHOLE) from None
    except RecursionError:
        raise FormatError(f"the {what} is nested too deeply") from None
    except ValueError:  # a whole number of thousands of digits
        raise FormatError(f"the {what} holds a number too long to be read") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise FormatError(f"the JSON key {short(key)} appears twice in one object")
        found[key] = value
    return found


def _refuse_constant(text: str) -> float:
    raise FormatError(f"holds {text}, which is not a JSON number")


def _finite(text: str) -> float:
    if not isfinite(number := float(text)):
        raise FormatError(f"holds the number {short(text)}, which is beyond 64-bit reals")
    return number

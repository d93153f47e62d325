"""TensorProto -> numpy, with every claim checked against the bytes there are."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.limits import Limits
from neurobin.frontend.onnx.external import Folder
from neurobin.frontend.onnx.kinds import NARROW, bits, is_narrow, narrow

if TYPE_CHECKING:
    from onnx import TensorProto

# element type of the standard -> (numpy type, field that holds it when there are no raw bytes)
KINDS: dict[int, tuple[np.dtype, str]] = {
    1: (np.dtype("<f4"), "float_data"),
    2: (np.dtype("u1"), "int32_data"),
    3: (np.dtype("i1"), "int32_data"),
    4: (np.dtype("<u2"), "int32_data"),
    5: (np.dtype("<i2"), "int32_data"),
    6: (np.dtype("<i4"), "int32_data"),
    7: (np.dtype("<i8"), "int64_data"),
    9: (np.dtype("?"), "int32_data"),
    10: (np.dtype("<f2"), "int32_data"),  # as bit patterns
    11: (np.dtype("<f8"), "double_data"),
    12: (np.dtype("<u4"), "uint64_data"),
    13: (np.dtype("<u8"), "uint64_data"),
}
LISTS: dict[str, np.dtype] = {  # and what every number in such a field is
    "float_data": np.dtype("<f4"),
    "double_data": np.dtype("<f8"),
    "int32_data": np.dtype("<i8"),
    "int64_data": np.dtype("<i8"),
    "uint64_data": np.dtype("<u8"),
}
EXTERNAL = 1
CHUNK = 2**16  # numbers taken out of protobuf at a time: each is a Python object meanwhile


def kind_of(number: int, where: str) -> np.dtype:
    """The numpy type of an element type. Raises UnsupportedError naming those without one (text, float8, ...)."""
    if number in NARROW:
        return narrow(number)
    if number not in KINDS:
        from onnx import TensorProto

        known = TensorProto.DataType.items()
        name = next((name for name, value in known if value == number), f"number {number}")
        raise UnsupportedError(f"element type {name}", where=where)
    return KINDS[number][0]


def size_of(tensor: TensorProto, limits: Limits) -> int:
    """The bytes that a tensor states it takes in memory; 0 where it states nonsense, which `to_array` will say."""
    known = tensor.data_type in KINDS or tensor.data_type in NARROW
    if not known or len(tensor.dims) > limits.axes or min(tensor.dims, default=0) < 0:
        return 0
    return prod(tensor.dims) * kind_of(tensor.data_type, "").itemsize


def to_array(tensor: TensorProto, where: str, folder: Folder, limits: Limits) -> np.ndarray:
    """The tensor's values, read-only. Raises FormatError when shape and data disagree, and for what the limits refuse."""
    kind = kind_of(tensor.data_type, where)
    shape = tuple(tensor.dims)
    limits.check_tensor(shape, kind, where)
    limits.check("constant_elements", prod(shape), f"the number of elements in shape {list(shape)}", where)
    if tensor.HasField("segment"):
        raise UnsupportedError("is stored in segments", where=where)
    stored = [name for name in LISTS if len(getattr(tensor, name))]
    if stored and (tensor.data_location == EXTERNAL or tensor.raw_data):
        other = "in another file" if tensor.data_location == EXTERNAL else "as bytes"
        raise FormatError(f"its values are stored twice, {other} and as {stored[0]}", where=where)
    count = prod(shape)
    if tensor.data_location == EXTERNAL:
        raw = folder.read(tensor.external_data, _stored(count, kind), where)
        values = _from_raw(raw, kind, count, where)
    elif tensor.HasField("raw_data"):
        values = _from_raw(tensor.raw_data, kind, count, where)
    else:
        values = _from_numbers(tensor, kind, count, where)
    values = values.reshape(shape)
    values.flags.writeable = False
    return values


def _stored(count: int, kind: np.dtype) -> int:
    """The bytes of so many elements in a file; the last one may be filled up with bits that mean nothing."""
    return -(-count * bits(kind) // 8)


def _unpacked(packed: np.ndarray, kind: np.dtype, count: int) -> np.ndarray:
    """Elements of fewer than eight bits out of bytes [n], the first in the least significant bits of the first."""
    width = bits(kind)
    parts = packed[:, None] >> np.arange(0, 8, width, dtype=np.uint8) & np.uint8((1 << width) - 1)
    return parts.reshape(-1)[:count].view(kind)


def _from_raw(raw: bytes, kind: np.dtype, count: int, where: str) -> np.ndarray:
    size = _stored(count, kind)
    if len(raw) != size:
        raise FormatError(f"{count} elements of {kind.name} take {size} bytes, has {len(raw)}", where=where)
    if is_narrow(kind):
        return _unpacked(np.frombuffer(raw, np.uint8), kind, count)
    if kind.kind == "b" and raw.strip(b"\0\1"):
        raise FormatError("holds a truth value that is neither 0 nor 1", where=where)
    return np.frombuffer(raw, kind)


def _from_numbers(tensor: TensorProto, kind: np.dtype, count: int, where: str) -> np.ndarray:
    name = "int32_data" if is_narrow(kind) else KINDS[tensor.data_type][1]
    numbers = getattr(tensor, name)
    stored = _stored(count, kind) if is_narrow(kind) else count  # a byte of several elements in each number
    if len(numbers) != stored:
        held = f"which {stored} numbers hold, " if is_narrow(kind) else ""
        raise FormatError(f"its shape has {count} elements, {held}{len(numbers)} are stored as {name}", where=where)
    wide = np.empty(stored, LISTS[name])
    for first in range(0, stored, CHUNK):
        wide[first : first + CHUNK] = numbers[first : first + CHUNK]
    if is_narrow(kind):
        if ((wide < 0) | (wide > 0xFF)).any():
            raise FormatError(f"holds {kind.name} packed in a byte of more than 8 bits", where=where)
        return _unpacked(wide.astype(np.uint8), kind, count)
    if kind == np.dtype("<f2"):
        if ((wide < 0) | (wide > 0xFFFF)).any():
            raise FormatError("holds a 16-bit pattern of more than 16 bits", where=where)
        return wide.astype("<u2").view(kind)
    values = wide.astype(kind, copy=False)
    if kind.kind != "f" and (values != wide).any():
        raise FormatError(f"holds {wide[values != wide][0]}, which is no {kind.name}", where=where)
    return values

"""TensorProto -> numpy, with every claim checked against the bytes there are."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.limits import Limits
from neurobin.frontend.onnx.external import Folder

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
EXTERNAL = 1


def kind_of(number: int, where: str) -> np.dtype:
    """The numpy type of an element type. Raises UnsupportedError naming those without one (text, float8, int4, ...)."""
    if number not in KINDS:
        from onnx import TensorProto

        known = TensorProto.DataType.items()
        name = next((name for name, value in known if value == number), f"number {number}")
        raise UnsupportedError(f"element type {name}", where=where)
    return KINDS[number][0]


def to_array(tensor: TensorProto, where: str, folder: Folder, limits: Limits) -> np.ndarray:
    """The tensor's values, read-only. Raises FormatError when shape and data disagree, and for what the limits refuse."""
    kind = kind_of(tensor.data_type, where)
    shape = tuple(tensor.dims)
    limits.check_tensor(shape, kind, where)
    if tensor.HasField("segment"):
        raise UnsupportedError("is stored in segments", where=where)
    count = prod(shape)
    if tensor.data_location == EXTERNAL:
        raw = folder.read(tensor.external_data, count * kind.itemsize, where)
        values = np.frombuffer(raw, kind)
    elif tensor.HasField("raw_data"):
        values = _from_raw(tensor.raw_data, kind, count, where)
    else:
        values = _from_numbers(tensor, kind, count, where)
    values = values.reshape(shape)
    values.flags.writeable = False
    return values


def _from_raw(raw: bytes, kind: np.dtype, count: int, where: str) -> np.ndarray:
    if len(raw) != count * kind.itemsize:
        raise FormatError(f"{count} elements of {kind.name} take {count * kind.itemsize} bytes, has {len(raw)}", where=where)
    if kind.kind == "b" and raw.strip(b"\0\1"):
        raise FormatError("holds a truth value that is neither 0 nor 1", where=where)
    return np.frombuffer(raw, kind)


def _from_numbers(tensor: TensorProto, kind: np.dtype, count: int, where: str) -> np.ndarray:
    numbers = getattr(tensor, KINDS[tensor.data_type][1])
    if len(numbers) != count:
        raise FormatError(f"its shape has {count} elements, {len(numbers)} are stored", where=where)
    if kind == np.dtype("<f2"):
        patterns = np.array(numbers, dtype=np.int64)
        if ((patterns < 0) | (patterns > 0xFFFF)).any():
            raise FormatError("holds a 16-bit pattern of more than 16 bits", where=where)
        return patterns.astype("<u2").view(kind)
    wide = np.array(numbers, dtype=kind if kind.kind == "f" else np.uint64 if kind == np.dtype("<u8") else np.int64)
    values = wide.astype(kind)
    if kind.kind != "f" and (values != wide).any():
        raise FormatError(f"holds {wide[values != wide][0]}, which is no {kind.name}", where=where)
    return values

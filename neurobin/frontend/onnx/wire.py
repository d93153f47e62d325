"""A look over protobuf bytes before a library decodes them: two bytes of file may become hundreds in memory.

Walks the wire format (protobuf.dev/programming-guides/encoding) once, with an explicit stack, guided by the message types'
own descriptors, and adds up what decoding would take. Values are not looked at; the library checks those.
"""

from __future__ import annotations

from typing import Any

from neurobin.errors import FormatError
from neurobin.frontend.limits import Limits

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MESSAGE_BYTES = 200  # of one decoded message, and of one text, whatever it holds
NUMBER_BYTES = 8  # a packed list's varint of one byte becomes a number of up to eight
DEPTH = 60  # nested messages; the library stops at 100
_DAMAGED = "the file is cut short or damaged, or is no ONNX model"


def scan(data: bytes, descriptor: Any, limits: Limits) -> None:
    """Raises FormatError where the bytes are no message of this type, or would take more than the limits when decoded."""
    fields = decoded = at = 0
    allowed = limits.decoded_bytes + len(data)  # raw bytes are held once more, as they are
    stack: list[tuple[int, Any]] = [(len(data), descriptor)]
    while stack and fields <= limits.fields and decoded <= allowed:
        end, kind = stack[-1]
        if at == end:
            stack.pop()
            continue
        fields += 1
        key, at = _varint(data, at, end)
        if key & 7 != BYTES:
            at = _behind_number(data, at, end, key & 7)
            decoded += NUMBER_BYTES
            continue
        length, at = _varint(data, at, end)
        if length > end - at:
            raise FormatError(f"states {length} bytes at byte {at}, where {end - at} are left", hint=_DAMAGED)
        field = kind.fields_by_number.get(key >> 3)
        decoded += MESSAGE_BYTES
        if field is not None and field.message_type is not None:
            stack.append((at + length, field.message_type))
            if len(stack) > DEPTH:
                raise FormatError(f"nests messages more than {DEPTH} deep")
        else:
            decoded += length * (NUMBER_BYTES if field is not None and _is_varint_list(field) else 1)
            at += length
    limits.check("fields", fields, "the number of fields")
    limits.check("decoded_bytes", decoded - len(data), "what the fields take in memory")


def _behind_number(data: bytes, at: int, end: int, wire: int) -> int:
    """The place behind a number of that wire type."""
    if wire == VARINT:
        return _varint(data, at, end)[1]
    if wire not in (FIXED64, FIXED32):
        raise FormatError(f"has wire type {wire} at byte {at}, which no model uses", hint=_DAMAGED)
    at += 8 if wire == FIXED64 else 4
    if at > end:
        raise FormatError(f"ends within a number at byte {end}", hint=_DAMAGED)
    return at


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(number, place behind it)."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise FormatError(f"has no number where one should end at byte {at}", hint=_DAMAGED)


def _is_varint_list(field: Any) -> bool:
    """True for repeated whole numbers, which may come packed as bytes."""
    return bool(field.is_repeated) and field.cpp_type not in (
        field.CPPTYPE_STRING,
        field.CPPTYPE_FLOAT,
        field.CPPTYPE_DOUBLE,
    )

"""A look over protobuf bytes before a library decodes them: two bytes of file may become hundreds in memory.

Walks the wire format (protobuf.dev/programming-guides/encoding) once, with an explicit stack, guided by the message types'
own descriptors, and adds up what decoding would take. Of the values only names are looked at: they must be text, and short.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from neurobin.errors import FormatError
from neurobin.frontend.limits import Limits

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MESSAGE_BYTES = 200  # of one decoded message, and of one text, whatever it holds
NUMBER_BYTES = 8  # a packed list's varint of one byte becomes a number of up to eight
DEPTH = 60  # nested messages; the library stops at 100
PROSE = {"doc_string", "value"}  # texts that nobody looks up, and that may be long
DAMAGED = "get the file again: it is cut short or damaged, or is no ONNX model"


class Field(NamedTuple):
    """What the scan wants to know of a field of bytes: its message type, its name where it is text, and its growth."""

    message: Any = None
    text: str = ""
    growth: int = 1


@cache
def _fields(kind: Any) -> dict[int, Field]:
    """The fields of a message type by number."""
    return {number: _field(field) for number, field in kind.fields_by_number.items()}


def _field(field: Any) -> Field:
    text = field.full_name if field.type == field.TYPE_STRING else ""
    return Field(field.message_type, text, NUMBER_BYTES if _is_varint_list(field) else 1)


_UNKNOWN = Field()


def scan(data: bytes, descriptor: Any, limits: Limits) -> None:
    """Raises FormatError where the bytes are no message of this type, or would take more than the limits when decoded."""
    fields = decoded = at = 0
    allowed = limits.decoded_bytes + len(data)  # raw bytes are held once more, as they are
    stack: list[tuple[int, dict[int, Field]]] = [(len(data), _fields(descriptor))]
    while stack and fields <= limits.fields and decoded <= allowed:
        end, known = stack[-1]
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
            raise FormatError(f"states {length} bytes at byte {at}, where {end - at} are left", hint=DAMAGED)
        field = known.get(key >> 3, _UNKNOWN)
        decoded += MESSAGE_BYTES
        if field.message is not None:
            stack.append((at + length, _fields(field.message)))
            if len(stack) > DEPTH:
                raise FormatError(f"nests messages more than {DEPTH} deep")
            continue
        if field.text:
            _check_text(data[at : at + length], field.text, at, limits)
        decoded += length * field.growth
        at += length
    limits.check("fields", fields, "the number of fields")
    limits.check("decoded_bytes", decoded - len(data), "what the fields take in memory")


def _check_text(raw: bytes, name: str, at: int, limits: Limits) -> None:
    """Text is UTF-8 (the library hands out bytes where it is not), and a name is of a length that can be shown."""
    where = f"{name} at byte {at}"
    if name.rpartition(".")[2] not in PROSE:
        limits.check("text_bytes", len(raw), "the length of a text", where)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError("is no UTF-8 text", where=where, hint=DAMAGED) from None


def _behind_number(data: bytes, at: int, end: int, wire: int) -> int:
    """The place behind a number of that wire type."""
    if wire == VARINT:
        return _varint(data, at, end)[1]
    if wire not in (FIXED64, FIXED32):
        raise FormatError(f"has wire type {wire} at byte {at}, which no model uses", hint=DAMAGED)
    at += 8 if wire == FIXED64 else 4
    if at > end:
        raise FormatError(f"ends within a number at byte {end}", hint=DAMAGED)
    return at


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(number, place behind it)."""
    if at < end and data[at] < 128:
        return data[at], at + 1
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise FormatError(f"has no number where one should end at byte {at}", hint=DAMAGED)


def _is_varint_list(field: Any) -> bool:
    """True for repeated whole numbers, which may come packed as bytes."""
    return bool(field.is_repeated) and field.cpp_type not in (
        field.CPPTYPE_STRING,
        field.CPPTYPE_FLOAT,
        field.CPPTYPE_DOUBLE,
    )

"""AttributeProto -> values, checked against the operator's signature, with its defaults filled in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from neurobin.errors import nearest
from neurobin.frontend.limits import Limits
from neurobin.frontend.onnx.external import Folder
from neurobin.frontend.onnx.model import Attribute, Call, Opaque
from neurobin.frontend.onnx.signature import FLOAT, FLOATS, INT, INTS, STRING, STRINGS, TENSOR, Signature, signature
from neurobin.frontend.onnx.tensors import to_array
from neurobin.ir.container import short

if TYPE_CHECKING:
    from onnx import AttributeProto

_TYPES = {FLOAT: "a number", INT: "a whole number", STRING: "a text", TENSOR: "a tensor",
          FLOATS: "a list of numbers", INTS: "a list of whole numbers", STRINGS: "a list of texts"}  # fmt: skip


def decode(call: Call, attributes: Iterable[AttributeProto], folder: Folder, limits: Limits) -> Call:
    """The call with its attributes. Raises FormatError naming the first that is wrong, or a wrong number of tensors."""
    known = signature(call.domain, call.op, call.version)
    found: dict[str, Attribute] = {}
    for attribute in attributes:
        if attribute.name in found:
            raise call.refuse(f"attribute {short(attribute.name)} is given twice")
        if known is not None:
            _check(call, attribute, known)
        found[attribute.name] = _value(call, attribute, folder, limits)
    if known is None:
        return replace(call, attributes=found)
    if missing := sorted(known.required - found.keys()):
        raise call.refuse(f"attribute {missing[0]} is missing")
    for what, count, (least, most) in (
        ("inputs", len(call.inputs), known.inputs),
        ("outputs", len(call.outputs), known.outputs),
    ):
        if not least <= count <= most:
            raise call.refuse(f"has {count} {what}, expected {least if least == most else f'{least} to {most}'}")
    for index, name in enumerate(call.inputs):
        if not name and index not in known.optional:
            raise call.refuse(f"leaves out input {index}, which is not optional")
    return replace(call, attributes={**known.defaults, **found})


def _check(call: Call, attribute: AttributeProto, known: Signature) -> None:
    """The operator has such an attribute, of this type."""
    if attribute.name not in known.kinds:
        there = f"there is {nearest(attribute.name, known.kinds)}" if known.kinds else "it has none"
        raise call.refuse(f"has no attribute {short(attribute.name)} ({there})")
    kind = known.kinds[attribute.name]
    if attribute.type != kind:
        raise call.refuse(f"attribute {attribute.name} is not {_TYPES.get(kind, 'of the expected type')}")


def _value(call: Call, attribute: AttributeProto, folder: Folder, limits: Limits) -> Attribute:
    where = f"{call.where}, attribute {short(attribute.name)}"
    if attribute.ref_attr_name:
        raise call.refuse(f"attribute {short(attribute.name)} refers to a function's, outside of one")
    if attribute.type == INT:
        return int(attribute.i)
    if attribute.type == FLOAT:
        return float(attribute.f)
    if attribute.type == STRING:
        return _text(call, attribute.name, attribute.s, limits)
    if attribute.type == TENSOR:
        return to_array(attribute.t, where, folder, limits)
    lists = {INTS: attribute.ints, FLOATS: attribute.floats, STRINGS: attribute.strings}
    if attribute.type not in lists:
        return Opaque(attribute.AttributeType.Name(attribute.type) if attribute.type else "untyped")
    limits.check("list_length", len(lists[attribute.type]), "the number of values", where)
    if attribute.type == STRINGS:
        return tuple(_text(call, attribute.name, raw, limits) for raw in attribute.strings)
    return tuple(lists[attribute.type])


def _text(call: Call, name: str, raw: bytes, limits: Limits) -> str:
    limits.check("text_bytes", len(raw), f"the length of attribute {short(name)}", call.where)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise call.refuse(f"attribute {short(name)} is no UTF-8 text") from None

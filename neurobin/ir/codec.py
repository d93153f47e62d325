"""Op fields and constants as JSON values and tensors, derived from the fields' annotations: the one place that knows them.

int, float, bool, str    JSON number, true/false, text        tuple[int, ...]    JSON list
DType, TensorType        their text, such as "i16"            X | None           X, or null
Constant                 its type, such as "bipolar[32,3,3,16]", and the tensors "<node>.<field>.<part>":
    planes [P, W], mask [W]  up to 4 bits: the elements in row-major order as one row of a `BitTensor`
    values [shape]           wider: the narrowest numpy type that holds the values exactly
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from operator import index
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

import numpy as np

from neurobin.errors import FormatError, GraphError
from neurobin.ir.bits import BitTensor, pack, unpack_bits
from neurobin.ir.container import short
from neurobin.ir.dtype import DType, Encoding, parse_dtype
from neurobin.ir.op import MAX_PACKED_BITS, Op
from neurobin.ir.types import Constant, TensorType, parse_type

Tensors = dict[str, np.ndarray]
TakeTensor = Callable[[str], np.ndarray]
_WHOLE_KINDS = ("i1", "u1", "<i2", "<u2", "<i4", "<i8")  # narrowest first
_REAL_KINDS = ("<f4", "<f8")
_INT_LIMIT = 2**63
_LONGEST_TYPE = 500  # 16 plane scales of 19 digits and 8 axes are shorter


@cache
def field_types(kind: type) -> Mapping[str, Any]:
    """The annotation of every field of an op class, in order. Raises GraphError for one that cannot be stored."""
    hints = get_type_hints(kind)
    found = {field.name: hints[field.name] for field in fields(kind)}
    for name, hint in found.items():
        plain = _optional(hint) if get_origin(hint) is UnionType else hint
        if plain not in _ENCODERS and not (get_origin(plain) is tuple and set(get_args(plain)) <= {int, Ellipsis}):
            raise GraphError(
                f"field {name!r} of {kind.__name__} is annotated {hint}, which cannot be stored",
                hint="int, float, bool, str, tuple[int, ...], DType or Constant",
            )
    return found


def encode_op(op: Op, node: str, tensors: Tensors) -> dict[str, Any]:
    """The op's fields as JSON; its constants are added to `tensors`. Raises GraphError for a field of another type."""
    found = {}
    for name, hint in field_types(cast(type, type(op))).items():
        try:
            found[name] = _encode(getattr(op, name), hint, f"{node}.{name}", tensors)
        except (TypeError, ValueError, OverflowError):
            wrong = f"field {name!r} is {short(getattr(op, name))}, expected {_say(hint)}"
            raise GraphError(wrong, where=f"node {node!r}") from None
    return found


def decode_op(kind: type[Op], stored: Mapping[str, Any], node: str, take: TakeTensor) -> Op:
    """The inverse of `encode_op`; `take` gives a tensor by name. Raises FormatError for unknown, missing or wrong fields."""
    known = field_types(cast(type, kind))
    where = f"node {node!r}"
    for name in stored:
        if name not in known:
            raise FormatError(f"unknown field {short(name)}; the op has {', '.join(known) or 'no fields'}", where=where)
    values = {}
    for name, hint in known.items():
        if name not in stored:
            raise FormatError(f"field {name!r} is missing", where=where)
        values[name] = _decode(stored[name], hint, f"{node}.{name}", take)
    return kind(**values)


def _encode(value: Any, hint: Any, where: str, tensors: Tensors) -> Any:
    if get_origin(hint) is UnionType:
        return None if value is None else _encode(value, _optional(hint), where, tensors)
    if get_origin(hint) is tuple:
        return [_whole(item) for item in value]
    return _ENCODERS[hint](value, where, tensors)


def _encode_constant(constant: Constant, where: str, tensors: Tensors) -> str:
    dtype, values = constant.dtype, constant.values
    kind = TensorType(constant.shape, dtype)
    if dtype.is_float:
        tensors[f"{where}.values"] = _narrow_real(values)
    elif dtype.bits > MAX_PACKED_BITS:
        narrow = next(k for k in _WHOLE_KINDS if np.iinfo(k).min <= values.min() and values.max() <= np.iinfo(k).max)
        tensors[f"{where}.values"] = values.astype(narrow)
    else:
        bits = pack(values.reshape(-1), dtype)
        tensors[f"{where}.planes"] = bits.planes
        if bits.mask is not None:
            tensors[f"{where}.mask"] = bits.mask
    return str(kind)


def _narrow_real(values: np.ndarray) -> np.ndarray:
    """float32 when that keeps every bit of every value (the sign of zero too), else float64."""
    with np.errstate(over="ignore", under="ignore"):
        narrow = values.astype(np.float32)
    return narrow if narrow.astype(np.float64).tobytes() == values.tobytes() else values


def _whole(value: Any) -> int:
    if not -_INT_LIMIT <= (number := index(value)) < _INT_LIMIT:
        raise OverflowError
    return number


def _real(value: Any) -> float:
    if not np.isfinite(number := float(value)):
        raise OverflowError
    return number


def _instance(*kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError
        return value

    return check


_ENCODERS: dict[type, Callable[[Any, str, Tensors], Any]] = {
    int: lambda value, *_: _whole(value),
    float: lambda value, *_: _real(value),
    bool: lambda value, *_: bool(_instance(bool, np.bool_)(value)),
    str: lambda value, *_: _instance(str)(value),
    DType: lambda value, *_: str(_instance(DType)(value)),
    Constant: lambda value, *rest: _encode_constant(_instance(Constant)(value), *rest),
}


def _decode(stored: Any, hint: Any, where: str, take: TakeTensor) -> Any:
    if get_origin(hint) is UnionType:
        return None if stored is None else _decode(stored, _optional(hint), where, take)
    if get_origin(hint) is tuple:
        return _decode_tuple(stored, hint, where)
    json_type = _JSON_TYPES[hint]
    if type(stored) is not json_type and not (hint is float and type(stored) is int):
        raise FormatError(f"expected {_say(hint)}, got {short(stored)}", where=where)
    return _DECODERS[hint](stored, where, take)


def _decode_tuple(stored: Any, hint: Any, where: str) -> tuple[int, ...]:
    members = get_args(hint)
    count = None if members[-1] is Ellipsis else len(members)
    if type(stored) is not list or (count is not None and len(stored) != count):
        raise FormatError(f"expected {_say(hint)}, got {short(stored)}", where=where)
    return tuple(_decode(item, int, where, _no_tensor) for item in stored)


def _no_tensor(name: str) -> np.ndarray:
    raise FormatError("a list holds no tensors", where=name)


def _decode_int(stored: int, where: str, _: TakeTensor) -> int:
    if not -_INT_LIMIT <= stored < _INT_LIMIT:
        raise FormatError("expected a whole number of 64 bits, got a larger one", where=where)
    return stored


def _decode_float(stored: float, where: str, _: TakeTensor) -> float:
    if abs(stored) > 2**1023:
        raise FormatError("expected a 64-bit real number, got a larger one", where=where)
    return float(stored)


def decode_dtype(text: str, where: str) -> DType:
    """The element type written as `str` writes it. Raises FormatError otherwise."""
    return _exact(parse_dtype, text, where)


def decode_type(text: str, where: str) -> TensorType:
    """The tensor type written as `str` writes it. Raises FormatError otherwise."""
    return _exact(parse_type, text, where)


def _exact(parse: Callable[[str], Any], text: str, where: str) -> Any:
    if len(text) > _LONGEST_TYPE:
        raise FormatError(f"expected a type, got {short(text)}", where=where)
    try:
        parsed = parse(text)
    except GraphError as error:
        raise FormatError(error.what, where=where) from None
    if str(parsed) != text:
        raise FormatError(f"expected a type written as {str(parsed)!r}, got {short(text)}", where=where)
    return parsed


def _decode_constant(stored: str, where: str, take: TakeTensor) -> Constant:
    kind = decode_type(stored, where)
    try:
        if kind.dtype.is_float or kind.dtype.bits > MAX_PACKED_BITS:
            return Constant(kind.dtype, _take(take, f"{where}.values", kind.shape, _kinds(kind.dtype)))
        words = -(-kind.size // 64)
        planes = _take(take, f"{where}.planes", (len(kind.dtype.plane_weights), words), ("<u8",))
        ternary = kind.dtype.encoding is Encoding.TERNARY
        mask = _take(take, f"{where}.mask", (words,), ("<u8",)) if ternary else None
    except GraphError as error:
        raise FormatError(error.what, where=where, hint=error.hint) from None
    _check_bits(planes, mask, kind.size, where)
    bits = BitTensor(planes, mask, (kind.size,), kind.dtype)
    return Constant(kind.dtype, bits.values().reshape(kind.shape))


def _kinds(dtype: DType) -> tuple[str, ...]:
    return _REAL_KINDS if dtype.is_float else _WHOLE_KINDS


def _take(take: TakeTensor, name: str, shape: tuple[int, ...], kinds: tuple[str, ...]) -> np.ndarray:
    """The tensor `name`, which must have this shape and one of these numpy types."""
    found = take(name)
    if found.shape != shape:
        raise FormatError(f"has shape {found.shape}, expected {shape}", where=f"tensor {name!r}")
    if found.dtype not in [np.dtype(kind) for kind in kinds]:
        wanted = ", ".join(str(np.dtype(kind)) for kind in kinds)
        raise FormatError(f"has type {found.dtype}, expected one of {wanted}", where=f"tensor {name!r}")
    return found


def _check_bits(planes: np.ndarray, mask: np.ndarray | None, size: int, where: str) -> None:
    """Raises FormatError when bits are set beyond the last element, or in a plane where the mask is 0."""
    tail = np.uint64(2**64 - 1) << np.uint64(size % 64) if size % 64 else np.uint64(0)
    for words in (planes, mask):
        if words is not None and (words[..., -1] & tail).any():
            raise FormatError(f"has bits set beyond its last element ({size})", where=where)
    if mask is not None and (outside := np.flatnonzero(planes[0] & ~mask)).size:
        first = int(outside[0]) * 64
        wrong = np.flatnonzero(unpack_bits((planes[0] & ~mask)[outside[:1]], 64))[0]
        raise FormatError(f"has a sign bit at element {first + int(wrong)}, where the mask says zero", where=where)


_DECODERS: dict[type, Callable[[Any, str, TakeTensor], Any]] = {
    int: _decode_int,
    float: _decode_float,
    bool: lambda stored, *_: stored,
    str: lambda stored, *_: stored,
    DType: lambda stored, where, _: decode_dtype(stored, where),
    Constant: _decode_constant,
}
_JSON_TYPES: dict[type, type] = {int: int, float: float, bool: bool, str: str, DType: str, Constant: str}


def _optional(hint: Any) -> Any:
    """X of `X | None`."""
    return next(member for member in get_args(hint) if member is not NoneType)


def _say(hint: Any) -> str:
    """What a field holds, in words."""
    if get_origin(hint) is UnionType:
        return f"{_say(_optional(hint))} or null"
    if get_origin(hint) is tuple:
        members = get_args(hint)
        return "a list of whole numbers" if members[-1] is Ellipsis else f"a list of {len(members)} whole numbers"
    words = {int: "a whole number", float: "a real number", bool: "true or false", str: "text"}
    return words.get(hint, f"the text of a {hint.__name__}")

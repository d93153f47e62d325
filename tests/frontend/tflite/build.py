"""TensorFlow Lite files by hand: a writer of flatbuffers as small as tests need it, and models of a few operators.

A table is a dict from slot to value: `Number`, `Vector`, a text, a table, or a list of tables. Children stand behind their
parents, so all offsets lead forward.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from neurobin.frontend.tflite.schema import BUILTINS, CUSTOM, KINDS, OPTIONS, Slot


@dataclass(frozen=True)
class Number:
    kind: str
    value: int | float


@dataclass(frozen=True)
class Vector:
    kind: str
    values: object


Value = Number | Vector | str | dict[int, "Value"] | list[dict[int, "Value"]]
Table = dict[int, Value]


def flatbuffer(root: Table, identifier: bytes = b"TFL3") -> bytes:
    """The file of a root table."""
    out = bytearray(4) + identifier
    struct.pack_into("<I", out, 0, _table(out, root))
    return bytes(out)


def _table(out: bytearray, fields: Table) -> int:
    """Appends a table and all below it. The place of the table."""
    slots = max(fields, default=-1) + 1
    places, size = [0] * slots, 4
    for slot, value in fields.items():
        places[slot] = size
        size += np.dtype(value.kind).itemsize if isinstance(value, Number) else 4
    vtable = len(out)
    out += struct.pack(f"<HH{slots}H", 4 + 2 * slots, size, *places)
    at = len(out)
    out += struct.pack("<i", at - vtable) + bytes(size - 4)
    for slot, value in fields.items():
        place = at + places[slot]
        if isinstance(value, Number):
            raw = np.array(value.value, value.kind).tobytes()
            out[place : place + len(raw)] = raw
        else:
            struct.pack_into("<I", out, place, _child(out, value) - place)
    return at


def _child(out: bytearray, value: Value) -> int:
    if isinstance(value, dict):
        return _table(out, value)
    at = len(out)
    if isinstance(value, list):
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for index, table in enumerate(value):
            place = at + 4 + 4 * index
            struct.pack_into("<I", out, place, _table(out, table) - place)
        return at
    raw = value.encode() if isinstance(value, str) else np.asarray(value.values, value.kind).tobytes()
    count = len(raw) if isinstance(value, str) else np.asarray(value.values).size
    out += struct.pack("<I", count) + raw + b"\0"
    return at


def flexbuffer(options: Mapping[str, int]) -> bytes:
    """A map of whole numbers, all of four bytes."""
    out, keys = bytearray(), []
    for name in sorted(options):
        keys.append(len(out))
        out += name.encode() + b"\0"
    out += struct.pack("<I", len(keys))
    begin = len(out)
    for key in keys:
        out += struct.pack("<I", len(out) - key)
    out += struct.pack("<I", len(out) - begin) + struct.pack("<II", 4, len(keys))
    values = len(out)
    for name in sorted(options):
        out += struct.pack("<i", options[name])
    out += bytes([1 << 2 | 2] * len(keys))
    return bytes(out + struct.pack("<I", len(out) - values) + bytes([9 << 2 | 2, 4]))


@dataclass(frozen=True)
class Cell:
    """A tensor: numpy type, shape, its values where it is a constant, scale(s) and zero point(s) where it is quantized."""

    kind: str = "<f4"
    shape: tuple[int, ...] = (1, 4, 4, 2)
    data: object = None
    scale: Sequence[float] = ()
    zero: Sequence[int] = ()
    axis: int = 0
    name: str = ""
    extra: Table = field(default_factory=dict)


def constant(values: np.ndarray | Sequence[float], **others: object) -> Cell:
    """A cell of a constant."""
    array = np.asarray(values)
    return replace(Cell(array.dtype.str, array.shape, array), **others)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Step:
    """An operator: its name, its tensors by number, its options by name (bytes for a custom operator's, as they are)."""

    op: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: Mapping[str, int | float] | bytes = field(default_factory=dict)
    extra: Table = field(default_factory=dict)


def model(cells: Sequence[Cell], steps: Sequence[Step], inputs: Sequence[int] = (0,), outputs: Sequence[int] | None = None,
          **extra: Table) -> bytes:  # fmt: skip
    """The file of a model. The outputs are the last step's, unless given; `extra` are fields by table to add or replace."""
    outputs = outputs if outputs is not None else steps[-1].outputs
    buffers: list[Table] = [{}]
    tensors = [_tensor(cell, index, buffers) for index, cell in enumerate(cells)]
    graph: Table = {
        Slot.GRAPH_TENSORS: tensors,
        Slot.GRAPH_INPUTS: Vector("<i4", list(inputs)),
        Slot.GRAPH_OUTPUTS: Vector("<i4", list(outputs)),
        Slot.GRAPH_OPERATORS: [_operator(step, index) for index, step in enumerate(steps)],
    }
    return flatbuffer(
        {
            Slot.MODEL_VERSION: Number("<u4", 3),
            Slot.MODEL_CODES: [_code(step.op) for step in steps],
            Slot.MODEL_SUBGRAPHS: [graph | extra.get("graph", {})],
            Slot.MODEL_BUFFERS: buffers,
        }
        | extra.get("root", {})
    )


def _tensor(cell: Cell, index: int, buffers: list[Table]) -> Table:
    number = next(number for number, kind in KINDS.items() if kind == np.dtype(cell.kind))
    fields: Table = {
        Slot.TENSOR_SHAPE: Vector("<i4", list(cell.shape)),
        Slot.TENSOR_TYPE: Number("i1", number),
        Slot.TENSOR_BUFFER: Number("<u4", 0 if cell.data is None else len(buffers)),
        Slot.TENSOR_NAME: cell.name or f"t{index}",
    }
    if cell.data is not None:
        with np.errstate(all="ignore"):  # a test may state another type than the values'
            raw = np.ascontiguousarray(cell.data).astype(cell.kind).tobytes()
        buffers.append({Slot.BUFFER_DATA: Vector("u1", np.frombuffer(raw, np.uint8))})
    if cell.scale:
        fields[Slot.TENSOR_QUANTIZATION] = {
            Slot.SCALE: Vector("<f4", list(cell.scale)),
            Slot.ZERO_POINT: Vector("<i8", list(cell.zero) or [0] * len(cell.scale)),
            Slot.QUANTIZED_AXIS: Number("<i4", cell.axis),
        }
    return fields | cell.extra


def _code(op: str) -> Table:
    if op not in BUILTINS:
        return {Slot.CODE_OLD: Number("i1", CUSTOM), Slot.CODE_CUSTOM: op, Slot.CODE_BUILTIN: Number("<i4", CUSTOM)}
    number = BUILTINS.index(op)
    return {Slot.CODE_OLD: Number("i1", min(number, 127)), Slot.CODE_BUILTIN: Number("<i4", number)}


def _operator(step: Step, index: int) -> Table:
    fields: Table = {
        Slot.OP_CODE: Number("<u4", index),
        Slot.OP_INPUTS: Vector("<i4", list(step.inputs)),
        Slot.OP_OUTPUTS: Vector("<i4", list(step.outputs)),
    }
    if step.op in OPTIONS:
        number, known = OPTIONS[step.op]
        assert not isinstance(step.options, bytes)
        fields[Slot.OP_OPTIONS_TYPE] = Number("u1", number)
        fields[Slot.OP_OPTIONS] = {known[name].slot: Number(known[name].kind, value) for name, value in step.options.items()}
    elif step.options:
        raw = step.options if isinstance(step.options, bytes) else flexbuffer(step.options)  # type: ignore[arg-type]
        fields[Slot.OP_CUSTOM] = Vector("u1", np.frombuffer(raw, np.uint8))
    return fields | step.extra

"""TensorFlow Lite bytes -> `Model`: sizes first, then names, order, options and constants, each checked.

Nothing in a file is believed: offsets stay in it, every tensor read is made somewhere before, a constant has as many bytes
as its shape says. What the values mean is left to `convert`.
"""

from __future__ import annotations

import os
from math import prod
from pathlib import Path

import numpy as np

from neurobin.errors import FormatError, UnsupportedError
from neurobin.files import open_regular
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.tflite.flatbuffer import File, Table
from neurobin.frontend.tflite.flexbuffer import read_options
from neurobin.frontend.tflite.model import Model, Operator, Quantization, Tensor
from neurobin.frontend.tflite.schema import (
    BUILTINS,
    CUSTOM,
    IDENTIFIER,
    KINDS,
    LCE_OPTIONS,
    OPTIONS,
    OTHER_KINDS,
    VERSION,
    Slot,
)


def read_model(path: Path, limits: Limits = DEFAULT) -> Model:
    """The model in a file. Raises FormatError or UnsupportedError naming the place."""
    with open_regular(path) as file:
        limits.check("file_bytes", os.fstat(file.fileno()).st_size, "the size of the file")
        return parse(file.read(limits.file_bytes), limits)


def parse(data: bytes, limits: Limits = DEFAULT) -> Model:
    """The model in bytes. Raises FormatError or UnsupportedError naming the place."""
    if data[4:8] != IDENTIFIER:
        raise FormatError("is no TensorFlow Lite model: bytes 4 to 7 are not TFL3")
    root = File(data, limits).root()
    version = root.integer(Slot.MODEL_VERSION, "<u4")
    if version != VERSION:
        raise UnsupportedError(f"is of schema version {version}, expected {VERSION}")
    graphs = root.tables(Slot.MODEL_SUBGRAPHS, "subgraph")
    if len(graphs) != 1:
        raise UnsupportedError(f"holds {len(graphs)} subgraphs, expected one")
    graph = graphs[0]
    buffers = root.tables(Slot.MODEL_BUFFERS, "buffer")
    tensors = tuple(
        _tensor(index, table, buffers, limits) for index, table in enumerate(graph.tables(Slot.GRAPH_TENSORS, "tensor"))
    )
    names = [_name(code) for code in root.tables(Slot.MODEL_CODES, "operator code")]
    tables = graph.tables(Slot.GRAPH_OPERATORS, "operator")
    limits.check("nodes", len(tables), "the number of operators")
    operators = tuple(_operator(index, table, names, len(tensors)) for index, table in enumerate(tables))
    inputs, outputs = (
        _indices(graph, slot, len(tensors), f"the {what} of the model")
        for slot, what in ((Slot.GRAPH_INPUTS, "inputs"), (Slot.GRAPH_OUTPUTS, "outputs"))
    )
    _check_order(tensors, operators, inputs, outputs)
    return Model(tensors, operators, inputs, outputs)


def _name(code: Table) -> str:
    """The operator's name. Files before 2021 have its number in another field; the larger of the two is right."""
    number = max(code.integer(Slot.CODE_OLD, "i1"), code.integer(Slot.CODE_BUILTIN, "<i4"))
    if number == CUSTOM:
        return code.text(Slot.CODE_CUSTOM) or "CUSTOM"
    return BUILTINS[number] if 0 <= number < len(BUILTINS) else f"number {number}"


def _tensor(index: int, table: Table, buffers: list[Table], limits: Limits) -> Tensor:
    name = table.text(Slot.TENSOR_NAME)
    bare = Tensor(index, name, np.dtype("u1"), ())
    number = table.integer(Slot.TENSOR_TYPE, "i1")
    if number not in KINDS:
        raise UnsupportedError(f"element type {OTHER_KINDS.get(number, f'number {number}')}", where=bare.where)
    if table.integer(Slot.TENSOR_VARIABLE, "u1"):
        raise UnsupportedError("is a variable, which keeps its value between images", where=bare.where)
    if table.table(Slot.TENSOR_SPARSITY) is not None:
        raise UnsupportedError("is stored as a sparse tensor", where=bare.where)
    sizes = table.numbers(Slot.TENSOR_SHAPE, "<i4")
    shape: tuple[int, ...] = tuple(int(size) for size in sizes) if sizes is not None else ()
    limits.check_tensor(shape, KINDS[number], bare.where)
    bare = Tensor(index, name, KINDS[number], shape)
    quantization = _quantization(table.table(Slot.TENSOR_QUANTIZATION, bare.where), bare)
    buffer = table.integer(Slot.TENSOR_BUFFER, "<u4")
    if buffer >= len(buffers):
        raise bare.refuse(f"is stored in buffer {buffer} of {len(buffers)}")
    return Tensor(index, name, bare.kind, shape, quantization, _data(bare, buffers[buffer]))


def _data(tensor: Tensor, buffer: Table) -> np.ndarray | None:
    """The constant's values, None where the buffer is empty and the tensor is computed."""
    if buffer.integer(Slot.BUFFER_OFFSET, "<u8") > 1:
        raise UnsupportedError("is stored behind the model, as in files of more than 2 GiB", where=tensor.where)
    raw = buffer.raw(Slot.BUFFER_DATA)
    count = prod(tensor.shape)
    if raw is None or (not len(raw) and count):
        return None
    wanted = count * tensor.kind.itemsize
    if len(raw) != wanted:
        raise tensor.refuse(f"{tensor.kind.name}{list(tensor.shape)} takes {wanted} bytes, its buffer has {len(raw)}")
    return raw.view(tensor.kind).reshape(tensor.shape)


def _quantization(table: Table | None, tensor: Tensor) -> Quantization | None:
    """Scales and zero points, None where there are none."""
    if table is None:
        return None
    scale, zero = table.numbers(Slot.SCALE, "<f4"), table.numbers(Slot.ZERO_POINT, "<i8")
    if table.integer(Slot.DETAILS_TYPE, "u1"):
        raise UnsupportedError("is quantized in a way of its own (custom quantization)", where=tensor.where)
    if scale is None or not len(scale):
        return None
    zero = np.zeros(len(scale), np.int64) if zero is None or not len(zero) else zero.astype(np.int64)
    axis = table.integer(Slot.QUANTIZED_AXIS, "<i4")
    if len(zero) == 1 and len(scale) > 1:
        zero = np.repeat(zero, len(scale))
    if len(zero) != len(scale):
        raise tensor.refuse(f"has {len(scale)} scales and {len(zero)} zero points")
    if len(scale) > 1 and not (0 <= axis < len(tensor.shape) and tensor.shape[axis] == len(scale)):
        raise tensor.refuse(f"has {len(scale)} scales along axis {axis} of shape {list(tensor.shape)}")
    wide = scale.astype(np.float64)
    if not (np.isfinite(wide) & (wide > 0)).all():
        index = int(np.argmin(np.isfinite(wide) & (wide > 0)))
        raise tensor.refuse(f"scale[{index}] is {wide[index]}, expected a number above 0")
    if tensor.kind.kind in "iu":
        ends = np.iinfo(tensor.kind)
        outside = (zero < ends.min) | (zero > ends.max)
        if outside.any():
            raise tensor.refuse(f"zero point {zero[outside][0]} is no {tensor.kind.name}")
    return Quantization(wide, zero, axis)


def _operator(index: int, table: Table, names: list[str], count: int) -> Operator:
    code = table.integer(Slot.OP_CODE, "<u4")
    if code >= len(names):
        raise FormatError(f"is of code {code} of {len(names)}", where=table.where)
    bare = Operator(index, names[code], (), ())
    inputs = _indices(table, Slot.OP_INPUTS, count, bare.where, left_out=True)
    outputs = _indices(table, Slot.OP_OUTPUTS, count, bare.where)
    return Operator(index, bare.op, inputs, outputs, _options(table, bare))


def _options(table: Table, operator: Operator) -> dict[str, int | float]:
    """The options that matter for the operator. Raises FormatError when they are another operator's, or incomplete."""
    if operator.op in LCE_OPTIONS:
        raw = table.raw(Slot.OP_CUSTOM)
        if raw is None and table.integer(Slot.OP_LARGE_OPTIONS, "<u8"):
            raise UnsupportedError("has its options behind the model", where=operator.where)
        wanted = LCE_OPTIONS[operator.op]
        found = read_options(raw, operator.where) if wanted and raw is not None else {}
        missing = [name for name in wanted if name not in found]
        if missing:
            raise operator.refuse(f"option {missing[0]} is missing")
        return {name: found[name] for name in wanted}
    if operator.op not in OPTIONS:
        return {}
    number, fields = OPTIONS[operator.op]
    options = table.table(Slot.OP_OPTIONS, operator.where)
    stated = table.integer(Slot.OP_OPTIONS_TYPE, "u1")
    if options is None:
        raise operator.refuse("has no options")
    if stated != number:
        raise operator.refuse(f"has options of type {stated}, expected {number}")
    return {name: options.number(field.slot, np.dtype(field.kind), field.default) for name, field in fields.items()}


def _indices(table: Table, slot: int, count: int, where: str, left_out: bool = False) -> tuple[int, ...]:
    """Numbers of tensors, each of which there is."""
    found = table.numbers(slot, "<i4")
    indices = () if found is None else tuple(int(index) for index in found)
    for index in indices:
        if not (-1 if left_out else 0) <= index < count:
            raise FormatError(f"names tensor {index} of {count}", where=where)
    return indices


def _check_order(
    tensors: tuple[Tensor, ...], operators: tuple[Operator, ...], inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> None:
    """Each tensor is made once and before it is read: operators stand in the order in which they run."""
    made = {tensor.index for tensor in tensors if tensor.data is not None}
    for index in inputs:
        if index in made:
            raise tensors[index].refuse("is an input of the model, and made before")
        made.add(index)
    for operator in operators:
        for index in operator.inputs:
            if index >= 0 and index not in made:
                raise operator.refuse(f"reads {tensors[index].where}, which nothing makes before")
        for index in operator.outputs:
            if index in made:
                raise operator.refuse(f"makes {tensors[index].where}, which is made before")
            made.add(index)
    for index in outputs:
        if index not in made:
            raise tensors[index].refuse("is an output of the model, and nothing makes it")

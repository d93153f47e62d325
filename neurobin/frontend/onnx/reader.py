"""ONNX bytes -> `Model`: limits first, then protobuf, then names, order, attributes and constants, each checked.

Nothing in a file is believed: sizes are compared with bytes, names are unique, every tensor read is made somewhere before,
attributes are those the operator has. What the values mean is left to whoever uses the model.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurobin.errors import FormatError, UnsupportedError, UsageError
from neurobin.files import open_regular
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.attributes import decode
from neurobin.frontend.onnx.domains import STANDARD, domain, versions
from neurobin.frontend.onnx.external import Folder
from neurobin.frontend.onnx.model import Call, Model, Port
from neurobin.frontend.onnx.tensors import kind_of, size_of, to_array
from neurobin.frontend.onnx.wire import DAMAGED, scan
from neurobin.ir.container import short

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto


def read_model(path: Path, limits: Limits = DEFAULT) -> Model:
    """The model in a file, with external data from its folder. Raises FormatError or UnsupportedError naming the place."""
    with open_regular(path) as file:
        limits.check("file_bytes", os.fstat(file.fileno()).st_size, "the size of the file")
        proto = parse(file.read(limits.file_bytes), limits)
    return from_proto(proto, Folder(path.absolute().parent, limits), limits)


def parse(data: bytes, limits: Limits = DEFAULT) -> ModelProto:
    """Decoded protobuf. Raises FormatError when the bytes are no ONNX model, UsageError without the onnx package."""
    try:
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from onnx import ModelProto
    except ImportError:
        raise UsageError("reading ONNX needs the onnx package", hint="pip install 'neurobin[onnx]'") from None
    scan(data, ModelProto.DESCRIPTOR, limits)
    try:
        proto = ModelProto.FromString(data)
    except DecodeError as error:
        raise FormatError(f"is no ONNX model: {short(str(error))}", hint=DAMAGED) from None
    if not proto.HasField("graph"):
        raise FormatError("holds no graph", hint="give a file that is an ONNX model")
    return proto


def from_proto(proto: ModelProto, folder: Folder | None = None, limits: Limits = DEFAULT) -> Model:
    """The checked model; `folder` is where external data may lie. Raises FormatError or UnsupportedError."""
    from onnx import defs

    folder = folder or Folder(None, limits)
    if proto.functions:
        names = ", ".join(short(function.name) for function in proto.functions[:3])
        raise UnsupportedError(f"defines functions of its own ({names})", hint="export with functions inlined")
    known = versions(((entry.domain, entry.version) for entry in proto.opset_import), defs.onnx_opset_version())
    graph = proto.graph
    if graph.sparse_initializer:
        raise UnsupportedError("holds sparse constants", where=short(graph.sparse_initializer[0].values.name))
    limits.check("nodes", len(graph.node), "the number of nodes")
    stated = (min(size_of(tensor, limits), limits.tensor_bytes) for tensor in _tensors(graph))  # more is named below
    limits.check("total_bytes", sum(stated), "the size of all constants in bytes")
    constants: dict[str, np.ndarray] = {}
    for tensor in graph.initializer:
        where = f"constant {short(tensor.name)}"
        if not tensor.name or tensor.name in constants:
            raise FormatError("its name is used twice" if tensor.name else "has no name", where=where)
        constants[tensor.name] = to_array(tensor, where, folder, limits)
    ports = tuple(_port(value, limits) for value in graph.input if value.name not in constants)
    calls = tuple(_calls(graph.node, known, folder, limits))
    outputs = tuple(value.name for value in graph.output)
    _check_names(set(constants), ports, calls, outputs)
    ordered = _ordered(calls, {port.name for port in ports} | constants.keys())
    return Model(ports, ordered, outputs, constants, known, dict(_claims(graph)), proto.producer_name)


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """All that hold constants."""
    yield from graph.initializer
    for node in graph.node:
        yield from (attribute.t for attribute in node.attribute if attribute.HasField("t"))


def _port(value: ValueInfoProto, limits: Limits) -> Port:
    where = f"input {short(value.name)}"
    if not value.type.HasField("tensor_type"):
        raise UnsupportedError("is no tensor", where=where)
    tensor = value.type.tensor_type
    kind = kind_of(tensor.elem_type, where)
    shape = None
    if tensor.HasField("shape"):
        limits.check("axes", len(tensor.shape.dim), "the number of axes", where)
        shape = tuple(
            size.dim_value if size.HasField("dim_value") else size.dim_param if size.HasField("dim_param") else None
            for size in tensor.shape.dim
        )
        stated = [size if isinstance(size, int) else 1 for size in shape]
        limits.check_tensor(stated, kind, where)
        limits.check("input_elements", prod(size or 1 for size in stated[1:]), "the number of elements of an image", where)
    return Port(value.name, kind, shape)


def _calls(nodes: Iterable[NodeProto], known: Mapping[str, int], folder: Folder, limits: Limits) -> Iterator[Call]:
    """The nodes, each with a name of its own."""
    taken: Counter[str] = Counter()
    for index, node in enumerate(nodes):
        name = node.name or next((text for text in node.output if text), f"{node.op_type}_{index}")
        taken[name] += 1
        if taken[name] > 1:
            name = f"{name}#{index}"
        spoken = domain(node.domain)
        if spoken == STANDARD and spoken not in known:
            raise FormatError(f"imports no version of the standard operators, but uses {short(node.op_type)}")
        bare = Call(name, node.op_type, spoken, known.get(spoken, 0), tuple(node.input), tuple(node.output))
        yield decode(bare, node.attribute, folder, limits)


def _check_names(made: set[str], ports: tuple[Port, ...], calls: tuple[Call, ...], outputs: tuple[str, ...]) -> None:
    """Each tensor is made once, each that is read is made; `made` are the constants. Raises FormatError at a fault."""
    for port in ports:
        if not port.name or port.name in made:
            raise FormatError("its name is used twice" if port.name else "has no name", where=f"input {short(port.name)}")
        made.add(port.name)
    for call, name in _pairs(calls, "outputs"):
        if name in made:
            raise call.refuse(f"makes {short(name)}, which is made before")
        made.add(name)
    for call, name in _pairs(calls, "inputs"):
        if name not in made:
            raise call.refuse(f"reads {short(name)}, which nothing makes")
    if not outputs:
        raise FormatError("has no output")
    for name in outputs:
        if name not in made:
            raise FormatError("nothing makes it", where=f"output {short(name)}")


def _pairs(calls: tuple[Call, ...], side: str) -> list[tuple[Call, str]]:
    """Every call with each name on that side of it."""
    return [(call, name) for call in calls for name in getattr(call, side) if name]


def _ordered(calls: tuple[Call, ...], known: set[str]) -> tuple[Call, ...]:
    """The calls in an order of execution, their own where it is one (Kahn). Raises FormatError naming a call in a cycle."""
    missing = [len({name for name in call.inputs if name and name not in known}) for call in calls]
    readers: dict[str, list[int]] = {}
    for index, call in enumerate(calls):
        for name in {name for name in call.inputs if name and name not in known}:
            readers.setdefault(name, []).append(index)
    ready = [
        index for index, count in enumerate(missing) if count == 0
    ]  # ascending, so a heap: first in the file, first out
    order: list[int] = []
    while ready:
        index = heappop(ready)
        order.append(index)
        for reader in (reader for name in calls[index].outputs for reader in readers.get(name, ())):
            missing[reader] -= 1
            if missing[reader] == 0:
                heappush(ready, reader)
    if len(order) < len(calls):
        stuck = next(index for index, count in enumerate(missing) if count > 0)
        raise calls[stuck].refuse("is part of a cycle, or waits for one")
    return tuple(calls[index] for index in order)


def _claims(graph: GraphProto) -> Iterator[tuple[str, str]]:
    """QONNX's data types by tensor, as the file states them."""
    for annotation in graph.quantization_annotation:
        for entry in annotation.quant_parameter_tensor_names:
            if entry.key == "finn_datatype":
                yield annotation.tensor_name, entry.value

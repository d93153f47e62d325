"""The `.nbin` file: a graph as one JSON document and its constants as tensors, in a safetensors container. No pickle.

    metadata "nbin"    {"schema": "neurobin.nbin/1", "inputs": [[name, type]], "nodes": [{name, op, inputs, fields}],
                        "outputs": [name], "meta": {...}}; fields and constants as `codec` writes them
    metadata "sha256"  of the document's bytes followed by the tensors' bytes: a damaged weight is found, not computed with

Equal graphs give equal bytes. A reader refuses whatever it does not know; it never guesses and never imports what a file
names: ops are looked up among the files of `neurobin.ops`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from neurobin.errors import FormatError, NeurobinError, UnsupportedError
from neurobin.files import open_regular, write_atomic
from neurobin.ir.codec import TakeTensor, decode_op, decode_type, encode_op
from neurobin.ir.container import Header, arrange, header_bytes, parse_json, read_header, short, write_container
from neurobin.ir.graph import Graph, Node
from neurobin.ir.op import Op
from neurobin.ir.text import shown
from neurobin.ir.types import TensorType

VERSION = 1
SCHEMA = f"neurobin.nbin/{VERSION}"
MAX_NODES = 50_000
MAX_META_DEPTH = 32
MAX_NAME = 1000

_DOCUMENT = {"schema": str, "inputs": list, "nodes": list, "outputs": list, "meta": dict}
_NODE = {"name": str, "op": str, "inputs": list, "fields": dict}
_JSON_NAMES: dict[type, str] = {str: "text", list: "a list", dict: "an object"}


def save(graph: Graph, path: Path | str) -> None:
    """Write `graph` to `path`, whole or not at all. Raises FormatError for what cannot be stored or written."""
    write_atomic(Path(path), encode(graph))


def load(path: Path | str) -> Graph:
    """The verified graph in a file. Raises FormatError (damaged, newer, not a model), GraphError (a graph that does not hold
    together) or UnsupportedError (an unknown op), always with the path and the place."""
    try:
        return decode(*_read(Path(path)))
    except NeurobinError as error:
        where = f"{shown(str(path))}: {error.where}" if error.where else shown(str(path))
        raise type(error)(error.what, where=where, hint=error.hint) from None


def encode(graph: Graph) -> Iterator[bytes]:
    """The file's bytes in chunks. Raises FormatError for a name or meta value that JSON cannot carry."""
    graph.verify()
    if len(graph.nodes) > MAX_NODES:
        raise FormatError(f"the graph has {len(graph.nodes)} nodes, a model file holds at most {MAX_NODES}")
    for node in graph.nodes:
        if find_op(node.op.name) is not type(node.op):
            wrong = f"{type(node.op)} is not the op {node.op.name!r} that a reader finds"
            raise UnsupportedError(wrong, where=f"node {node.name!r}")
    tensors: dict[str, np.ndarray] = {}
    document = {
        "schema": SCHEMA,
        "inputs": [[name, str(kind)] for name, kind in graph.inputs.items()],
        "nodes": [
            {"name": n.name, "op": n.op.name, "inputs": list(n.inputs), "fields": encode_op(n.op, n.name, tensors)}
            for n in graph.nodes
        ],
        "outputs": list(graph.outputs),
        "meta": _checked_meta(dict(graph.meta)),
    }
    for name in graph.types:
        _checked_name(name, "tensor name")
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    arranged = arrange(tensors)
    digest = _digest(text.encode(), (array.tobytes() for array in arranged.values()))
    return write_container({"nbin": text, "sha256": digest}, arranged)


def decode(header: Header, data: bytes) -> Graph:
    """The verified graph of a container. Raises as `load` does."""
    document = _document(header.metadata)
    if header.metadata["sha256"] != _digest(header.metadata["nbin"].encode(), [data]):
        raise FormatError("the content does not match its SHA-256", hint="copy the file again; it is damaged")
    unread = dict(header.slots)

    def take(name: str) -> np.ndarray:
        if name not in unread:
            raise FormatError("is missing", where=f"tensor {name!r}")
        return unread.pop(name).read(data)

    nodes = tuple(_nodes(document["nodes"], take))
    if unread:
        raise FormatError("belongs to no field of any node", where=f"tensor {min(unread)!r}")
    outputs = _names(document["outputs"], "outputs")
    return Graph(_inputs(document["inputs"]), nodes, outputs, _checked_meta(document["meta"])).verify()


def _read(path: Path) -> tuple[Header, bytes]:
    """Header and data of a regular file, the header checked before the data is read."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = header_bytes(file.read(8), size)
        data_bytes = size - 8 - length
        header = read_header(_exactly(file, length), data_bytes)
        return header, _exactly(file, data_bytes)


def _exactly(file: BinaryIO, count: int) -> bytes:
    found = file.read(count)
    if len(found) != count:
        raise FormatError(f"ended {count - len(found)} bytes early while it was read")
    return found


def _digest(text: bytes, chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256(text)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _document(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The JSON document, its schema and outer layout checked."""
    if "nbin" not in metadata:
        raise FormatError("is a safetensors file without a network", hint="a file that `neurobin lower` wrote")
    try:
        raw = metadata["nbin"].encode()
    except UnicodeEncodeError:
        raise FormatError("the document is not UTF-8") from None
    document = parse_json(raw, "document")
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        match = re.fullmatch(r"neurobin\.nbin/([0-9]{1,9})", schema) if isinstance(schema, str) else None
        if match and int(match[1]) > VERSION:
            newer = f"was written by a newer neurobin (schema {schema}, this one reads {SCHEMA})"
            raise FormatError(newer, hint="upgrade neurobin")
        raise FormatError(f"has schema {short(schema)}, expected {SCHEMA!r}")
    _check_keys(document, _DOCUMENT, "document")
    if metadata.keys() != {"nbin", "sha256"}:
        raise FormatError(f"has metadata {', '.join(map(short, sorted(metadata)))}, expected nbin and sha256")
    if len(document["nodes"]) > MAX_NODES:
        raise FormatError(f"has {len(document['nodes'])} nodes, the limit is {MAX_NODES}")
    return document


def _nodes(entries: list[Any], take: TakeTensor) -> Iterator[Node]:
    """The nodes in order, each under a name of its own (tensors are named after it)."""
    known: dict[str, type[Op]] = {}
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        where = f"node {number}"
        stored = _check_keys(entry, _NODE, where)
        name = _checked_name(stored["name"], where)
        if name in seen:
            raise FormatError(f"the name {name!r} is used twice", where=where)
        seen.add(name)
        yield _node(stored, name, where, take, known)


def _node(stored: dict[str, Any], name: str, where: str, take: TakeTensor, known: dict[str, type[Op]]) -> Node:
    """One node; `known` keeps the op classes found so far."""
    op = _checked_name(stored["op"], where)
    if op not in known:
        try:
            known[op] = find_op(op)
        except UnsupportedError as error:
            raise UnsupportedError(error.what, where=f"node {name!r}", hint=error.hint) from None
    inputs = _names(stored["inputs"], f"inputs of node {name!r}")
    return Node(name, decode_op(known[op], stored["fields"], name, take), inputs)


def find_op(name: str) -> type[Op]:
    """The class of op `name`, looked up when a file names it: the IR depends on no op, ops depend on the IR."""
    found: type[Op] = import_module("neurobin.ops").op_class(name)
    return found


def _check_keys(entry: object, expected: Mapping[str, type], where: str) -> dict[str, Any]:
    """`entry` as an object with exactly the expected keys, each of its JSON type."""
    if not isinstance(entry, dict):
        raise FormatError(f"expected an object, got {short(entry)}", where=where)
    if wrong := sorted(entry.keys() ^ expected.keys()):
        state = "unknown" if wrong[0] in entry else "missing"
        raise FormatError(f"key {short(wrong[0])} is {state}; expected {', '.join(expected)}", where=where)
    for key, kind in expected.items():
        if type(entry[key]) is not kind:
            raise FormatError(f"{key} is {short(entry[key])}, expected {_JSON_NAMES[kind]}", where=where)
    return entry


def _inputs(stored: list[Any]) -> dict[str, TensorType]:
    inputs: dict[str, TensorType] = {}
    for number, pair in enumerate(stored):
        where = f"input {number}"
        if type(pair) is not list or len(pair) != 2 or not all(type(part) is str for part in pair):
            raise FormatError(f"expected a name and a type, got {short(pair)}", where=where)
        name = _checked_name(pair[0], where)
        if name in inputs:
            raise FormatError(f"the name {short(name)} is used twice", where=where)
        inputs[name] = decode_type(pair[1], where)
    return inputs


def _names(stored: list[Any], where: str) -> tuple[str, ...]:
    return tuple(_checked_name(name, where) for name in stored)


def _checked_name(name: object, where: str) -> str:
    if type(name) is not str:
        raise FormatError(f"expected a name, got {short(name)}", where=where)
    if len(name) > MAX_NAME:
        raise FormatError(f"a name has at most {MAX_NAME} characters, got {len(name)}", where=where)
    return _checked_text(name, where)


def _checked_text(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FormatError(f"the text {short(text)} is not valid Unicode", where=where) from None
    return text


def _checked_meta(meta: dict[str, Any]) -> dict[str, Any]:
    """`meta`, after a walk without recursion. Raises FormatError naming the first value that is not plain JSON."""
    waiting: list[tuple[str, Any, int]] = [("meta", meta, 0)]
    while waiting:
        where, value, depth = waiting.pop()
        if depth > MAX_META_DEPTH:
            raise FormatError(f"is nested more than {MAX_META_DEPTH} deep", where="meta")
        if type(value) is dict:
            waiting += [(f"{where}.{_checked_name(key, where)}"[:80], item, depth + 1) for key, item in value.items()]
        elif type(value) is list:
            waiting += [(where, item, depth + 1) for item in value]
        elif type(value) is str:
            _checked_text(value, where)
        elif not (value is None or type(value) is bool or _is_number(value)):
            wrong = f"{short(value)} is not text, a finite number of 64 bits, true, false, null, a list or an object"
            raise FormatError(wrong, where=where)
    return meta


def _is_number(value: object) -> bool:
    return (type(value) is int and abs(value) < 2**64) or (type(value) is float and isfinite(value))

"""Hostile files whose bytes, names or external data lie.

In `hostile_types` tensors and their types do, in `hostile_graphs` operators and numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from onnx import AttributeProto, FunctionProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"


class Hostile(NamedTuple):
    """One file: `make` returns its bytes, or writes model.onnx into the folder itself; what the refusal must hold."""

    name: str
    make: Callable[[Path], bytes | None]
    words: str
    code: int = 1
    heavy: bool = False  # among those that would take most, were they not refused


def tensor(values: object, name: str, kind: type = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, kind), name)


def bare(name: str, dims: list[int], kind: int = TensorProto.FLOAT, **fields: object) -> TensorProto:
    """A tensor with these fields and no more, whether they fit or not."""
    return TensorProto(name=name, dims=dims, data_type=kind, **fields)


def proto(
    nodes: list[NodeProto], constants: list[TensorProto] | None = None, *, shape: list[int] | None = None,
    output: str = "y", opset: int = 13,
) -> ModelProto:  # fmt: skip
    """A model that reads x and gives y."""
    graph = helper.make_graph(
        nodes, "hostile",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape or [1, 4])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        constants or [],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid(QONNX, 1)])


def node(op: str, *inputs: str, to: str = "y", domain: str = "", **attributes: object) -> NodeProto:
    return helper.make_node(op, list(inputs), [to], name=f"the_{op}", domain=domain, **attributes)


RELU = node("Relu", "x")


def fixed(data: bytes | ModelProto) -> Callable[[Path], bytes]:
    return lambda folder: data if isinstance(data, bytes) else data.SerializeToString()


def later(make: Callable[[], bytes | ModelProto]) -> Callable[[Path], bytes]:
    """The same for what is large: made when it is wanted."""
    return lambda folder: fixed(make())(folder)


def changed(change: Callable[[ModelProto], object]) -> Callable[[Path], bytes]:
    """A small good model after a change."""

    def make(folder: Path) -> bytes:
        model = proto([node("MatMul", "x", "w")], [tensor(np.ones((4, 2)), "w")])
        change(model)
        return model.SerializeToString()

    return make


def _head(number: int, size: int) -> bytes:
    """What stands before a protobuf field of that many bytes."""
    length = bytearray()
    while size >= 128:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size])


def _field(number: int, payload: bytes) -> bytes:
    """A protobuf field of bytes."""
    return _head(number, len(payload)) + payload


def _nested(depth: int) -> bytes:
    """Subgraphs in attributes of nodes in subgraphs."""
    graph = b""
    for _ in range(depth):
        graph = _field(1, _field(5, _field(6, graph)))  # graph.node.attribute.g
    return _field(7, graph)


def _sparse_file(folder: Path) -> None:
    """300 MB that take no place on the disk."""
    with open(folder / "model.onnx", "wb") as file:
        file.write(b"\x08\x08")
        file.truncate(300 * 2**20)


def _three_layers(folder: Path) -> None:
    """Three times 16 million weights, all of them 0 and none of them on the disk, before an operator that is unknown."""
    size = 4096
    nodes = [node("MatMul", "x", "w0", to="a"), node("MatMul", "a", "w1", to="b"), node("MatMul", "b", "w2", to="c")]
    rest = proto([*nodes, node("Mish", "c")], shape=[1, size])
    graph = rest.graph.SerializeToString()
    rest.ClearField("graph")
    raw = 4 * size * size
    heads = [bare(f"w{i}", [size, size]).SerializeToString() + _head(9, raw) for i in range(3)]
    heads = [_head(5, len(head) + raw) + head for head in heads]
    with open(folder / "model.onnx", "wb") as file:
        file.write(rest.SerializeToString() + _head(7, len(graph) + sum(len(head) + raw for head in heads)) + graph)
        for head in heads:
            file.write(head)
            file.truncate(file.seek(raw, os.SEEK_CUR))


def _function(model: ModelProto) -> None:
    model.functions.append(FunctionProto(name="F", domain="mine", node=[RELU]))


def _subgraph(model: ModelProto) -> None:
    inner = helper.make_graph([node("Relu", "x", to="z")], "then", [], [helper.make_empty_tensor_value_info("z")])
    model.graph.initializer.append(tensor(True, "c", np.bool_))
    del model.graph.node[:]
    model.graph.node.append(node("If", "c", then_branch=inner, else_branch=inner))


def _sparse_constant(model: ModelProto) -> None:
    model.graph.sparse_initializer.add().values.CopyFrom(tensor([1.0], "s"))


def _sequence(model: ModelProto) -> None:
    model.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None))


def _attribute(**fields: object) -> Callable[[ModelProto], object]:
    return lambda model: model.graph.node[0].attribute.append(AttributeProto(**fields))


def _replace(*nodes: NodeProto) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        del model.graph.node[:]
        model.graph.node.extend(nodes)

    return change


def _rename(kind: str, name: str) -> Callable[[ModelProto], None]:
    return lambda model: setattr(getattr(model.graph, kind)[0], "name", name)


def row(op: str, length: int) -> list[NodeProto]:
    """Nodes from x to t{length}, each of which reads the one before."""
    return [node(op, f"t{i}" if i else "x", to=f"t{i + 1}") for i in range(length)]


def _ring(length: int) -> list[NodeProto]:
    return [node("Relu", f"t{(i - 1) % length}", to=f"t{i}") for i in range(length)] + [node("Relu", "t0")]


def external(
    prepare: Callable[[Path], None] | None = None, tensors: int = 1, dims: list[int] | None = None, **entries: object
) -> Callable[[Path], bytes]:
    """Weights [4, 2] in another file, described by these entries; a list states its key twice."""

    def make(folder: Path) -> bytes:
        (folder / "good.bin").write_bytes(np.ones(8, np.float32).tobytes())
        (folder.parent / "outside.bin").write_bytes(np.ones(8, np.float32).tobytes())
        if prepare is not None:
            prepare(folder)
        constants = []
        for index in range(tensors):
            one = bare("w" if index == 0 else f"w{index}", dims or [4, 2], data_location=TensorProto.EXTERNAL)
            for key, value in ({"location": "good.bin"} | entries).items():
                for item in value if isinstance(value, list) else [value]:
                    if item is not None:
                        one.external_data.add(key=key, value=str(item).replace("OUTSIDE", str(folder.parent)))
            constants.append(one)
        return proto([node("MatMul", "x", "w")], constants).SerializeToString()

    return make


def _big(folder: Path) -> None:
    with open(folder / "big.bin", "wb") as file:
        file.truncate(200 * 2**20)


def _folder_link(folder: Path) -> None:
    (folder.parent / "away").mkdir()
    (folder.parent / "away" / "good.bin").write_bytes(bytes(32))
    (folder / "sub").symlink_to(folder.parent / "away")


STRUCTURES = (
    # bytes
    Hostile("empty file", fixed(b""), "is empty"),
    Hostile("a text", fixed(b"hello, this is no model at all"), "is no ONNX model"),
    Hostile("random bytes", fixed(np.random.default_rng(0).bytes(4096)), "is no ONNX model"),
    Hostile("a zip archive", fixed(b"PK\x03\x04" + bytes(100)), "zip archive", 3),
    Hostile("a pickle", fixed(b"\x80\x04cos\nsystem\n"), "may run code", 3),
    Hostile("a model without a graph", fixed(ModelProto(ir_version=8)), "holds no graph"),
    Hostile("cut short", lambda folder: changed(lambda m: None)(folder)[:-20], "are left"),
    Hostile("a length of 2^60", fixed(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x0f"), "are left"),
    Hostile("a number without end", fixed(b"\x08" + b"\xff" * 100), "no number where one should end"),
    Hostile("a group of old protobuf", fixed(b"\x0b\x0c"), "wire type 3"),
    Hostile("2000 nested graphs", fixed(_nested(2000)), "more than 60 deep"),
    Hostile("two million empty nodes", later(lambda: _field(7, b"\x0a\x00" * 2_000_000)), "the limit decoded_bytes",
            heavy=True),
    Hostile("two million sizes", later(lambda: _field(7, _field(5, b"\x08\x01" * 2_000_000))), "the limit fields",
            heavy=True),
    Hostile("packed numbers that grow eightfold", later(lambda: _field(7, _field(5, _field(7, bytes(40_000_000))))),
            "the limit decoded_bytes", heavy=True),
    Hostile("one file of 300 MB", _sparse_file, "the limit file_bytes", heavy=True),
    Hostile("a file of 192 MB for nothing", _three_layers, "no meaning for operator Mish", 3, heavy=True),
    # names
    Hostile("a name of 70,000 letters", changed(_rename("node", "n" * 70_000)), "the limit text_bytes"),
    Hostile("a name that is no text", lambda f: changed(_rename("node", "QQQQ"))(f).replace(b"QQQQ", b"\xff\xfe\xfd\xfc"),
            "is no UTF-8 text"),
    Hostile("a constant without a name", changed(_rename("initializer", "")), "has no name"),
    Hostile("two constants of one name", changed(lambda m: m.graph.initializer.append(tensor([1.0], "w"))), "used twice"),
    Hostile("two inputs of one name", changed(lambda m: m.graph.input.append(m.graph.input[0])), "used twice"),
    Hostile("a tensor made twice", changed(_replace(RELU, node("Sign", "x"))), "which is made before"),
    Hostile("a tensor that nothing makes", changed(_replace(node("Add", "x", "ghost"))), "reads 'ghost', which nothing"),
    Hostile("an output that nothing makes", changed(_rename("output", "ghost")), "nothing makes it"),
    # structure
    Hostile("a node that reads itself", changed(_replace(node("Add", "x", "y"))), "is part of a cycle"),
    Hostile("a cycle of 18,000 nodes", later(lambda: proto(_ring(18_000))), "is part of a cycle", heavy=True),
    Hostile("100,000 nodes", later(lambda: proto(row("Relu", 100_000))), "the limit nodes", heavy=True),
    Hostile("no output", changed(lambda m: m.graph.ClearField("output")), "has no output"),
    Hostile("two inputs", changed(lambda m: m.graph.input.add(name="z").type.CopyFrom(m.graph.input[0].type)),
            "2 inputs", 3),
    Hostile("an unknown operator", changed(_replace(node("Explode", "x"))), "no meaning for operator Explode", 3),
    Hostile("an unknown operator set", changed(_replace(node("Relu", "x", domain="evil"))), "operator Relu of evil", 3),
    Hostile("an operator newer than the opset", changed(_replace(node("Mish", "x"))), "no meaning for operator Mish", 3),
    Hostile("opset 999", fixed(proto([RELU], opset=999)), "opset 999, known are", 3),
    Hostile("opset 1", fixed(proto([RELU], opset=1)), "opset 1, known are", 3),
    Hostile("opset -1", fixed(proto([RELU], opset=-1)), "opset -1, known are", 3),
    Hostile("no opset", changed(lambda m: m.ClearField("opset_import")), "no version of the standard operators"),
    Hostile("two opsets", changed(lambda m: m.opset_import.add(domain="ai.onnx", version=9)), "imports versions 13 and 9"),
    Hostile("a QONNX of the future", changed(lambda m: m.opset_import.add(domain="onnx.brevitas", version=7)), "and 7"),
    Hostile("functions of its own", changed(_function), "defines functions of its own", 3),
    Hostile("a subgraph", changed(_subgraph), "no meaning for operator If", 3),
    Hostile("a sparse constant", changed(_sparse_constant), "holds sparse constants", 3),
    Hostile("a sequence", changed(_sequence), "is no tensor", 3),
    # attributes
    Hostile("an attribute twice", changed(_replace(NodeProto(
        op_type="LeakyRelu", input=["x"], output=["y"],
        attribute=[helper.make_attribute("alpha", 0.1), helper.make_attribute("alpha", 0.2)]))), "given twice"),
    Hostile("an attribute unknown", changed(_attribute(name="evil", type=2, i=1)), "has no attribute 'evil'"),
    Hostile("an attribute of another type", changed(_replace(node("LeakyRelu", "x", alpha="0.1"))), "is not a number"),
    Hostile("an attribute missing", changed(_replace(node("Cast", "x"))), "attribute to is missing"),
    Hostile("an attribute of a function", changed(_replace(NodeProto(op_type="LeakyRelu", input=["x"], output=["y"],
            attribute=[AttributeProto(name="alpha", type=1, ref_attr_name="a")]))), "outside of one"),
    Hostile("an attribute of 100,000 numbers", changed(_replace(node("Transpose", "x", perm=list(range(100_000))))),
            "the limit list_length"),
    Hostile("too many operands", changed(_replace(node("Relu", "x", "x"))), "has 2 inputs, expected 1"),
    Hostile("too few operands", changed(_replace(node("Add", "x"))), "has 1 inputs, expected 2"),
    Hostile("a left-out operand", changed(_replace(node("Add", "x", ""))), "leaves out input 1"),
    # external data
    Hostile("data above the folder", external(location="../outside.bin"), "expected a path below"),
    Hostile("data above the folder, by a detour", external(location="sub/../../outside.bin"), "expected a path below"),
    Hostile("data at an absolute path", external(location="OUTSIDE/outside.bin"), "expected a path below"),
    Hostile("data in /dev/zero", external(location="/dev/zero"), "expected a path below"),
    Hostile("data behind a NUL", external(location="good.bin\0.png"), "expected a path below"),
    Hostile("data behind backslashes", external(location="..\\outside.bin"), "expected a path below"),
    Hostile("data without a place", external(location=None), "without a location"),
    Hostile("data in a link", external(lambda f: (f / "l").symlink_to("good.bin"), location="l"), "behind a link"),
    Hostile("data behind a linked folder", external(_folder_link, location="sub/good.bin"), "behind a link"),
    Hostile("data linked twice", external(lambda f: os.link(f.parent / "outside.bin", f / "h"), location="h"), "twice)"),
    Hostile("data in a pipe", external(lambda f: os.mkfifo(f / "p"), location="p"), "no file of its own"),
    Hostile("data in a folder", external(lambda f: (f / "d").mkdir(), location="d"), "no file of its own"),
    Hostile("data in no file", external(location="ghost.bin"), "no such file"),
    Hostile("data at a path of 5,000 letters", external(location="a/" * 2500), "expected a path below"),
    Hostile("data beyond the end", external(offset=16), "wants bytes 16 to 48 of a file of 32"),
    Hostile("data before the beginning", external(offset=-32), "expected a whole number"),
    Hostile("data with a length that lies", external(length=2**40), "its shape takes 32"),
    Hostile("data with two places", external(location=["good.bin", "../outside.bin"]), "'location' twice"),
    Hostile("data with a key of its own", external(run="rm"), "'run' twice, or it has no meaning"),
    Hostile("one file read 4,000 times", external(_big, 4000, [50 * 2**20], location="big.bin"), "the limit total_bytes",
            heavy=True),
)  # fmt: skip

"""`.nbin` files that are damaged, newer or made to harm: one clear refusal each, before memory is taken."""
# ruff: noqa: E501 - one case per line

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurobin.errors import FormatError, GraphError, NeurobinError, UnsupportedError
from neurobin.ir import FLOAT64, TERNARY, Builder, Constant, Graph, TensorType
from neurobin.ir.container import MAX_FILE_BYTES, MAX_HEADER_BYTES
from neurobin.ir.dtype import i
from neurobin.ir.store import MAX_NODES, load, save
from neurobin.ops.affine import Affine
from neurobin.ops.clip import Clip
from neurobin.ops.int_conv2d import IntConv2d
from neurobin.ops.requantise import Requantise
from tests.ir.forge import Parts, forged, read, take_apart, written
from tests.ir.strategies import random_constant


def network() -> Graph:
    """conv (ternary, 70 weights) -> scale (i8, i40) -> real (f64) -> clip"""
    b = Builder({"image": TensorType((4, 4, 7), i(8))})
    x = b.add(IntConv2d(random_constant(TERNARY, (10, 1, 1, 7), 0)), "image", name="conv")
    x = b.add(Requantise(Constant(i(8), [100]), Constant(i(40), [2**38]), 4, i(8)), x, name="scale")
    x = b.add(Affine(Constant(FLOAT64, [0.1])), x, name="real")
    return b.graph(b.add(Clip(-1, 1), x, name="clip"), note="x")


GRAPH = network()
NAMES = ["conv", "scale", "real", "clip"]

Edit = Callable[[Parts], object]


def in_document(path: str, value: Any) -> Edit:
    """Sets `document[a][b]... = value`; a value of `...` deletes the key."""

    def edit(parts: Parts) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        place = parts.document
        for step in way:
            place = place[step]
        if value is ...:
            del place[last]
        else:
            place[last] = value

    return edit


def field(node: str, name: str, value: Any) -> Edit:
    return in_document(f"nodes/{NAMES.index(node)}/fields/{name}", value)


def in_entry(tensor: str, **changes: Any) -> Edit:
    return lambda parts: parts.entries[tensor].update(changes)


def text(old: str, new: str) -> Edit:
    """Replaces text in the JSON document itself."""

    def edit(parts: Parts) -> None:
        whole = json.dumps(parts.document)
        assert whole.count(old) == 1, whole
        parts.document = whole.replace(old, new)

    return edit


def with_bytes(tensor: str, values: np.ndarray) -> Edit:
    """Overwrites the tensor's bytes in place."""

    def edit(parts: Parts) -> None:
        begin, end = parts.entries[tensor]["data_offsets"]
        raw = np.ascontiguousarray(values).tobytes()
        assert len(raw) == end - begin
        parts.data = parts.data[:begin] + raw + parts.data[end:]

    return edit


def more_data(parts: Parts) -> None:
    size = len(parts.data)
    parts.entries["extra"] = {"dtype": "U8", "shape": [8], "data_offsets": [size, size + 8]}
    parts.data += bytes(8)


def share_bytes(parts: Parts) -> None:
    """Lets the planes lie on the mask's bytes and closes the gap, so that only the overlap is wrong."""
    (begin, end), (from_, to) = (parts.entries[f"conv.weight.{part}"]["data_offsets"] for part in ("mask", "planes"))
    assert to - from_ == end - begin
    for name, entry in parts.entries.items():
        first, last = entry["data_offsets"]
        moved = [begin, end] if name == "conv.weight.planes" else [first - 16, last - 16] if first >= to else [first, last]
        entry["data_offsets"] = moved
    parts.data = parts.data[:from_] + parts.data[to:]


FULL = 2**64 - 1

REFUSED: dict[str, tuple[tuple[Edit, ...], type[NeurobinError], str]] = {
    # the document
    "newer": ((in_document("schema", "neurobin.nbin/2"),), FormatError,
              "was written by a newer neurobin (schema neurobin.nbin/2, this one reads neurobin.nbin/1) (try: upgrade neurobin)"),
    "much newer, other layout": ((lambda p: setattr(p, "document", {"schema": "neurobin.nbin/12", "x": 1}),), FormatError,
                                 "was written by a newer neurobin (schema neurobin.nbin/12"),
    "other schema": ((in_document("schema", "other/1"),), FormatError, "has schema 'other/1', expected 'neurobin.nbin/1'"),
    "version 0": ((in_document("schema", "neurobin.nbin/0"),), FormatError, "has schema 'neurobin.nbin/0'"),
    "no schema": ((in_document("schema", ...),), FormatError, "has schema None"),
    "schema a list": ((in_document("schema", [1]),), FormatError, "has schema [1]"),
    "a list": ((lambda p: setattr(p, "document", [1]),), FormatError, "has schema None"),
    "unknown key": ((in_document("weights", 1),), FormatError,
                    "document: key 'weights' is unknown; expected schema, inputs, nodes, outputs, meta"),
    "missing key": ((in_document("outputs", ...),), FormatError, "document: key 'outputs' is missing"),
    "nodes no list": ((in_document("nodes", {}),), FormatError, "document: nodes is {}, expected a list"),
    "meta no object": ((in_document("meta", []),), FormatError, "document: meta is [], expected an object"),
    "duplicate key": ((text('"note": "x"', '"note": "x", "note": "y"'),), FormatError,
                      "the JSON key 'note' appears twice in one object"),
    "NaN": ((text('"x"', "NaN"),), FormatError, "holds NaN, which is not a JSON number"),
    "Infinity": ((text('"x"', "-Infinity"),), FormatError, "holds -Infinity, which is not a JSON number"),
    "1e999": ((text('"x"', "1e999"),), FormatError, "holds the number '1e999', which is beyond 64-bit reals"),
    "endless number": ((text('"x"', "9" * 5000),), FormatError, "the document holds a number too long to be read"),
    "long number": ((text('"x"', "9" * 30),), FormatError, "is not text, a finite number of 64 bits"),
    "deep lists": ((text('"x"', "[" * 100_000 + "]" * 100_000),), FormatError, "the document is nested too deeply"),
    "deep objects": ((text('"x"', '{"a":' * 100_000 + "1" + "}" * 100_000),), FormatError, "the document is nested too deeply"),
    "rather deep": ((text('"x"', "[" * 40 + "]" * 40),), FormatError, "meta: is nested more than 32 deep"),
    "half a document": ((text('"meta"', '"meta'),), FormatError, "the document is not JSON"),
    "lone surrogate outside": ((lambda p: setattr(p, "document", '"\ud800"'),), FormatError, "the document is not UTF-8"),
    "lone surrogate inside": ((text('"x"', '"\\ud800"'),), FormatError, "meta.note: the text '\\ud800' is not valid Unicode"),
    "metadata beside": ((lambda p: p.metadata.update(format="pt"),), FormatError,
                        "has metadata 'format', 'nbin', 'sha256', expected nbin and sha256"),
    "wrong digest": ((lambda p: p.metadata.update(sha256="0" * 64),), FormatError, "the content does not match its SHA-256"),
    "metadata no text": ((lambda p: p.metadata.update(sha256=1),), FormatError, "__metadata__ is not an object of texts"),
    # inputs, outputs, nodes
    "no inputs": ((in_document("inputs", []),), GraphError, "model.nbin: a graph has at least one input"),
    "input no pair": ((in_document("inputs/0", ["image"]),), FormatError, "input 0: expected a name and a type, got ['image']"),
    "input twice": ((lambda p: p.document["inputs"].append(["image", "i8[1]"]),), FormatError,
                    "input 1: the name 'image' is used twice"),
    "unknown type": ((in_document("inputs/0/1", "i99[4,4,7]"),), FormatError, "input 0: a type has 1 to 64 bits, got 99"),
    "type in another way": ((in_document("inputs/0/1", "i8[4, 4,7]"),), FormatError,
                            "input 0: expected a type written as 'i8[4,4,7]', got 'i8[4, 4,7]'"),
    "huge input": ((in_document("inputs/0/1", "i8[1000000,1000000,7]"),), FormatError, "input 0: a tensor has at most 2147483648"),
    "endless input": ((in_document("inputs/0/1", "i8[" + "9" * 5000 + "]"),), FormatError, "input 0: expected a type, got 'i8[999"),
    "no output": ((in_document("outputs", []),), GraphError, "a graph has at least one output"),
    "output no name": ((in_document("outputs", [1]),), FormatError, "outputs: expected a name, got 1"),
    "unknown output": ((in_document("outputs", ["y"]),), GraphError, "output 'y' is not defined"),
    "node no object": ((in_document("nodes/3", "clip"),), FormatError, "node 3: expected an object, got 'clip'"),
    "node without op": ((in_document("nodes/3/op", ...),), FormatError, "node 3: key 'op' is missing; expected name, op"),
    "node with more": ((in_document("nodes/3/code", "x"),), FormatError, "node 3: key 'code' is unknown"),
    "node name twice": ((in_document("nodes/3/name", "conv"),), FormatError, "node 3: the name 'conv' is used twice"),
    "node named as input": ((in_document("nodes/3/name", "image"), in_document("outputs", ["image"])), GraphError,
                            "node 'image': this name is defined twice"),
    "cycle": ((in_document("nodes/2/inputs", ["clip"]),), GraphError,
              "node 'real' (affine): reads 'clip', which no earlier node defines"),
    "arity": ((in_document("nodes/3/inputs", ["real", "real"]),), GraphError, "node 'clip' (clip): takes a different number"),
    "unknown op": ((in_document("nodes/0/op", "int_convd"),), UnsupportedError,
                   "node 'conv': unknown op 'int_convd' (try: 'int_conv2d')"),
    "op is a path": ((in_document("nodes/0/op", "../os"),), UnsupportedError, "unknown op '../os'"),
    "op is a module": ((in_document("nodes/0/op", "_linear"),), UnsupportedError, "unknown op '_linear'"),
    "op name endless": ((in_document("nodes/0/op", "x" * 10**6),), FormatError, "a name has at most 1000 characters"),
    "node name endless": ((in_document("nodes/0/name", "x" * 10**6),), FormatError, "a name has at most 1000 characters"),
    "too many nodes": ((in_document("nodes", [0] * (MAX_NODES + 1)),), FormatError, "has 50001 nodes, the limit is 50000"),
    # fields
    "unknown field": ((field("scale", "zero_point", 0),), FormatError,
                      "node 'scale': unknown field 'zero_point'; the op has multiplier, bias, shift, dtype"),
    "missing field": ((field("scale", "shift", ...),), FormatError, "node 'scale': field 'shift' is missing"),
    "int is text": ((field("scale", "shift", "4"),), FormatError, "scale.shift: expected a whole number, got '4'"),
    "int is real": ((field("scale", "shift", 4.0),), FormatError, "scale.shift: expected a whole number, got 4.0"),
    "int is bool": ((field("scale", "shift", True),), FormatError, "scale.shift: expected a whole number, got True"),
    "int is huge": ((field("scale", "shift", 2**63),), FormatError, "scale.shift: expected a whole number of 64 bits"),
    "int means nothing": ((field("scale", "shift", -1),), GraphError, "node 'scale' (requantise): shift must lie in 0..62, got -1"),
    "float is text": ((field("clip", "low", "-1"),), FormatError, "clip.low: expected a real number, got '-1'"),
    "float is bool": ((field("clip", "low", False),), FormatError, "clip.low: expected a real number, got False"),
    "float is huge": ((field("clip", "low", 10**400),), FormatError, "clip.low: expected a 64-bit real number"),
    "float means nothing": ((field("clip", "low", 2),), GraphError, "node 'clip' (clip): expected low <= high, got 2.0 and 1.0"),
    "tuple is short": ((field("conv", "padding", [1, 1]),), FormatError,
                       "conv.padding: expected a list of 4 whole numbers, got [1, 1]"),
    "tuple is an object": ((field("conv", "padding", {}),), FormatError, "conv.padding: expected a list of 4 whole numbers"),
    "tuple holds text": ((field("conv", "stride", [1, "1"]),), FormatError, "conv.stride: expected a whole number, got '1'"),
    "stride 0": ((field("conv", "stride", [0, 1]),), GraphError, "kernel, stride and dilation are at least 1"),
    "padding endless": ((field("conv", "padding", [2**40, 0, 0, 0]),), GraphError, "are at most 1048576"),
    "dtype is number": ((field("scale", "dtype", 8),), FormatError, "scale.dtype: expected the text of a DType, got 8"),
    "dtype is null": ((field("scale", "dtype", None),), FormatError, "scale.dtype: expected the text of a DType, got None"),
    "dtype unknown": ((field("scale", "dtype", "int8"),), FormatError, "scale.dtype: expected an element type such as"),
    "dtype in another way": ((field("scale", "dtype", "i08"),), FormatError, "scale.dtype: expected a type written as 'i8'"),
    "dtype cannot clip": ((field("scale", "dtype", "bipolar"),), GraphError, "cannot clip to bipolar"),
    "groups": ((field("conv", "groups", 3),), GraphError, "groups=3 must divide both 7 input and 10 output channels"),
    # constants
    "constant is a list": ((field("conv", "weight", [1]),), FormatError, "conv.weight: expected the text of a Constant, got [1]"),
    "constant of nothing": ((field("conv", "weight", "ternary[]"),), FormatError, "conv.weight: expected whole numbers as shape"),
    "constant of no rank": ((field("conv", "weight", "ternary[0]"),), FormatError, "conv.weight: every axis is"),
    "constant too large": ((field("conv", "weight", "ternary[2000000000]"),), FormatError,
                           "tensor 'conv.weight.planes': has shape (1, 2), expected (1, 31250000)"),
    "constant of other size": ((field("conv", "weight", "ternary[10,1,1,17]"),), FormatError, "has shape (1, 2), expected (1, 3)"),
    "constant of other type": ((field("conv", "weight", "bipolar[10,1,1,7]"),), FormatError,
                               "tensor 'conv.weight.mask': belongs to no field of any node"),
    "planes missing": ((field("conv", "weight", "i8[10,1,1,7]"),), FormatError, "tensor 'conv.weight.values': is missing"),
    "constant too wide": ((field("scale", "multiplier", "i4[1]"),), FormatError, "tensor 'scale.multiplier.planes': is missing"),
    "value outside": ((field("scale", "multiplier", "i7[1]"),), FormatError,
                      "scale.multiplier: constant has values outside i7 (range 100 to 100)"),
    "real instead of integer": ((in_entry("real.scale.values", dtype="I64"),), FormatError,
                                "tensor 'real.scale.values': has type int64, expected one of float32, float64"),
    "NaN weight": ((with_bytes("real.scale.values", np.array([np.nan])),), FormatError, "real.scale: constant holds nan at index"),
    "infinite weight": ((with_bytes("real.scale.values", np.array([-np.inf])),), FormatError, "real.scale: constant holds -inf"),
    "tail in plane": ((with_bytes("conv.weight.planes", np.array([0, 1 << 6], "<u8")),), FormatError,
                      "conv.weight: has bits set beyond its last element (70)"),
    "tail in mask": ((with_bytes("conv.weight.planes", np.zeros(2, "<u8")), with_bytes("conv.weight.mask", np.array([0, 1 << 63], "<u8"))),
                     FormatError, "conv.weight: has bits set beyond its last element (70)"),
    "sign of zero": ((with_bytes("conv.weight.planes", np.array([0, 1 << 5], "<u8")), with_bytes("conv.weight.mask", np.array([FULL, 1], "<u8"))),
                     FormatError, "conv.weight: has a sign bit at element 69, where the mask says zero"),
    # the tensors' table
    "extra tensor": ((more_data,), FormatError, "tensor 'extra': belongs to no field of any node"),
    "tensor renamed": ((lambda p: p.entries.update({"y": p.entries.pop("scale.bias.values")}),), FormatError,
                       "tensor 'scale.bias.values': is missing"),
    "entry no object": ((lambda p: p.entries.update({"scale.bias.values": 1}),), FormatError,
                        "tensor 'scale.bias.values': expected dtype, shape and data_offsets, nothing else"),
    "unknown numpy type": ((in_entry("scale.bias.values", dtype="F16"),), FormatError, "unknown dtype 'F16', expected one of U8"),
    "numpy type no text": ((in_entry("scale.bias.values", dtype=["I64"]),), FormatError, "unknown dtype ['I64']"),
    "wrong shape": ((in_entry("scale.bias.values", shape=[2]),), FormatError, "shape (2,) of I64 takes 16 bytes, has 8"),
    "shape of the same size": ((in_entry("scale.bias.values", shape=[1, 1]),), FormatError,
                               "tensor 'scale.bias.values': has shape (1, 1), expected (1,)"),
    "huge shape": ((in_entry("scale.bias.values", shape=[2**62, 2**62]),), FormatError, "expected a shape of at most 8 counts"),
    "large shape": ((in_entry("scale.bias.values", shape=[2**30, 2**30, 2**30]),), FormatError, "takes 9903520314283042199192993792"),
    "negative shape": ((in_entry("scale.bias.values", shape=[-1]),), FormatError, "expected a shape of at most 8 counts, got [-1]"),
    "shape of reals": ((in_entry("scale.bias.values", shape=[1.0]),), FormatError, "expected a shape of at most 8 counts"),
    "many axes": ((in_entry("scale.bias.values", shape=[1] * 70),), FormatError, "expected a shape of at most 8 counts"),
    "offsets backwards": ((in_entry("scale.bias.values", data_offsets=[8, 0]),), FormatError, "takes 8 bytes, has -8"),
    "offsets of reals": ((in_entry("scale.bias.values", data_offsets=[0.0, 8]),), FormatError, "expected two byte offsets"),
    "three offsets": ((in_entry("scale.bias.values", data_offsets=[0, 8, 9]),), FormatError, "expected two byte offsets"),
    "offsets overlap": ((lambda p: p.entries["scale.bias.values"].update(data_offsets=p.entries["real.scale.values"]["data_offsets"]),),
                        FormatError, "(no gap, no overlap)"),
    "offsets share": ((share_bytes,), FormatError, "tensor 'conv.weight.planes': starts at byte 0, expected 16"),
    "data cut": ((lambda p: setattr(p, "data", p.data[:-1]),), FormatError, "follow the header (try: copy the file again"),
    "data longer": ((lambda p: setattr(p, "data", p.data + b"\0"),), FormatError, "follow the header"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_forged_files_are_refused(name: str, tmp_path: Path) -> None:
    edits, kind, message = REFUSED[name]
    path = tmp_path / "model.nbin"
    path.write_bytes(forged(GRAPH, *edits))
    started = time.perf_counter()
    with pytest.raises(NeurobinError) as error:
        load(path)
    assert type(error.value) is kind, error.value
    assert message in str(error.value)
    assert str(error.value).startswith(str(path))
    assert len(str(error.value)) < 500 + len(str(path))
    assert str(error.value).isprintable()
    assert time.perf_counter() - started < 2


def test_the_forge_itself_makes_valid_files() -> None:
    assert read(forged(GRAPH)) == GRAPH


HEADER_PROBLEMS = {
    "empty": (b"", "has 0 bytes, a model file starts with 8 bytes of length"),
    "short": (b"\x05\0\0", "has 3 bytes, a model file starts with 8 bytes of length"),
    "length lies": ((2**20).to_bytes(8, "little") + b"{}", "states a header of 1048576 bytes, only 2 follow"),
    "length is huge": (b"\xff" * 16, f"states a header of {2**64 - 1} bytes, the limit is {MAX_HEADER_BYTES}"),
    "a text file": (b"chip = 'truenorth'\n", "the limit is 16777216 (try: is it a .nbin file?)"),
    "no JSON": ((4).to_bytes(8, "little") + b"abcd", "the header is not JSON: Expecting value at character 0"),
    "no object": ((4).to_bytes(8, "little") + b"[1] ", "the header is not a JSON object"),
    "no network": ((4).to_bytes(8, "little") + b"{}  ", "is a safetensors file without a network"),
    "not UTF-8": ((4).to_bytes(8, "little") + b'{"\xff"', "the header is not UTF-8 at byte 2"),
    "UTF-16": ((8).to_bytes(8, "little") + '{"a"'.encode("utf-16-le"), "the header is not JSON"),
    "key twice": ((13).to_bytes(8, "little") + b'{"a":1,"a":2}', "the JSON key 'a' appears twice"),
    "nested": ((10**6).to_bytes(8, "little") + b"[" * 10**6, "the header is nested too deeply"),
}


@pytest.mark.parametrize("name", HEADER_PROBLEMS)
def test_headers_that_lie(name: str, tmp_path: Path) -> None:
    raw, message = HEADER_PROBLEMS[name]
    (tmp_path / "m.nbin").write_bytes(raw)
    with pytest.raises(FormatError) as error:
        load(tmp_path / "m.nbin")
    assert message in str(error.value)


def test_every_truncation_is_refused() -> None:
    raw = written(GRAPH)
    for length in range(len(raw)):
        with pytest.raises(FormatError):
            read(raw[:length])


def test_every_flipped_bit_is_refused_or_harmless() -> None:
    """Without a new SHA-256 a damaged file never becomes another network."""
    raw = written(GRAPH)
    for place in range(0, len(raw), 3):
        damaged = bytearray(raw)
        damaged[place] ^= 1 << place % 8
        try:
            assert read(bytes(damaged)) == GRAPH, place
        except NeurobinError:
            continue


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    cases = {
        tmp_path / "absent.nbin": "there is no such file",
        tmp_path: "cannot be read: Is a directory",
        tmp_path / "pipe": "is not a regular file",
        Path("/dev/zero"): "is not a regular file",
        Path("/dev/null"): "is not a regular file",
        tmp_path / ("x" * 300): "cannot be read: File name too long",
        tmp_path / "a\0b": "a file name holds no NUL character",
    }
    for path, message in cases.items():
        with pytest.raises(FormatError, match=re.escape(message)):
            load(path)


def test_a_file_of_a_terabyte_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.nbin"
    with open(path, "wb") as file:
        file.truncate(2**40)  # sparse: takes no room
    with pytest.raises(FormatError, match=f"has {2**40} bytes, a model file is limited to {MAX_FILE_BYTES}"):
        load(path)


@pytest.mark.parametrize("name", ["constant too large", "large shape", "deep objects", "op name endless"])
def test_refusal_takes_little_memory(name: str, tmp_path: Path) -> None:
    """In a process that may take 300 MB of address space beyond what the imports took."""
    path = tmp_path / "m.nbin"
    path.write_bytes(forged(GRAPH, *REFUSED[name][0]))
    code = (
        "import sys, resource; from neurobin.ir.store import load; from neurobin.errors import NeurobinError;"
        "taken = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize();"
        "resource.setrlimit(resource.RLIMIT_AS, (taken + 300_000_000,) * 2)\n"
        "try: load(sys.argv[1])\nexcept NeurobinError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("refused\n", "")


def test_the_limits_hold_for_the_writer_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurobin.ir.container.MAX_FILE_BYTES", 1000)
    with pytest.raises(FormatError, match="a model file is limited to 1000 bytes"):
        save(GRAPH, tmp_path / "m.nbin")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """RLIMIT_FSIZE gives the error of a quota: the old file stays, no other remains."""
    path = tmp_path / "m.nbin"
    path.write_bytes(b"old")
    save(GRAPH, tmp_path / "fits.nbin")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(FormatError, match="cannot be written: File too large"):
            save(GRAPH, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fits.nbin", "m.nbin"]


def test_take_apart_sees_the_bytes_of_the_tensors() -> None:
    parts = take_apart(written(GRAPH))
    assert sum(e["data_offsets"][1] - e["data_offsets"][0] for e in parts.entries.values()) == len(parts.data)

"""The reader believes no offset, length, shape or number: each damaged file is refused with its place and reason."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.limits import DEFAULT
from neurobin.frontend.load import load
from neurobin.frontend.tflite.reader import parse
from neurobin.frontend.tflite.schema import BUILTINS, OPTIONS, Slot
from tests.frontend.tflite.build import Cell, Number, Step, Vector, constant, model

FOLDER = Path(__file__).parent / "networks"
RELU = [Step("RELU", [0], [1])]
PAIR = [Cell(), Cell()]
CONV = {"stride_height": 1, "stride_width": 1}


def u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def field(data: bytes, table: int, slot: int) -> int:
    """The byte of a table's field."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    return table + int(struct.unpack_from("<H", data, vtable + 4 + 2 * slot)[0])


def behind(data: bytes, at: int) -> int:
    """Where the offset at a byte leads."""
    return at + u32(data, at)


def graph_of(data: bytes) -> int:
    """The table of the only subgraph."""
    vector = behind(data, field(data, u32(data, 0), Slot.MODEL_SUBGRAPHS))
    return behind(data, vector + 4)


def tensors_of(data: bytes) -> int:
    """The vector of tensors."""
    return behind(data, field(data, graph_of(data), Slot.GRAPH_TENSORS))


def put(data: bytes, at: int, form: str, value: int) -> bytes:
    """The bytes with one number replaced."""
    changed = bytearray(data)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


GOOD = model(PAIR, RELU)
ROOT = u32(GOOD, 0)
TENSOR = behind(GOOD, tensors_of(GOOD) + 4)
SHAPE = behind(GOOD, field(GOOD, TENSOR, Slot.TENSOR_SHAPE))
NAME = behind(GOOD, field(GOOD, TENSOR, Slot.TENSOR_NAME))

STRUCTURES = {
    "root beyond the end": (put(GOOD, 0, "<I", len(GOOD)), "the model: leads to byte"),
    "root at the largest offset": (put(GOOD, 0, "<I", 2**32 - 1), "the model: leads to byte"),
    "root leads to itself": (put(GOOD, 0, "<I", 0), "the model: has a vtable"),
    "vtable before the file": (put(GOOD, ROOT, "<i", 2**31 - 1), "the model: leads to byte"),
    "vtable behind the file": (put(GOOD, ROOT, "<i", -(2**31)), "the model: leads to byte"),
    "table that is its own vtable": (put(GOOD, ROOT, "<i", 0), "the model: has a vtable of 0 bytes"),
    "vtable of odd length": (put(GOOD, ROOT - u32(GOOD, ROOT), "<H", 7), "the model: has a vtable of 7 bytes"),
    "vtable that ends outside": (put(GOOD, ROOT - u32(GOOD, ROOT), "<H", 65534), "the model: leads to byte"),
    "table that ends outside": (put(GOOD, ROOT - u32(GOOD, ROOT) + 2, "<H", 65535), "the model: leads to byte"),
    "table of three bytes": (put(GOOD, ROOT - u32(GOOD, ROOT) + 2, "<H", 3), "for a table of 3"),
    "field before its table": (put(GOOD, ROOT - u32(GOOD, ROOT) + 4, "<H", 2), "the model: field 0 stands at byte 2"),
    "field behind its table": (put(GOOD, ROOT - u32(GOOD, ROOT) + 4, "<H", 60000), "field 0 stands at byte 60000"),
    "tensors point backwards": (put(GOOD, tensors_of(GOOD) + 4, "<I", 2**32 - 64), "tensor 0: leads to byte"),
    "tensor in a circle": (put(GOOD, tensors_of(GOOD) + 4, "<I", 0), "tensor 0: "),
    "subgraphs that are the root": (
        put(GOOD, behind(GOOD, field(GOOD, ROOT, Slot.MODEL_SUBGRAPHS)) + 4, "<i", ROOT - graph_of(GOOD)),
        "subgraph 0: leads to byte",
    ),
    "vector of 2^31 tensors": (put(GOOD, tensors_of(GOOD), "<I", 2**31), "subgraph 0: leads to byte"),
    "vector of 2^32 - 1 tensors": (put(GOOD, tensors_of(GOOD), "<I", 2**32 - 1), "subgraph 0: leads to byte"),
    "vector of 2^31 sizes": (put(GOOD, SHAPE, "<I", 2**31), "tensor 0: leads to byte"),
    "name of 2^31 bytes": (put(GOOD, NAME, "<I", 2**31), "tensor 0: leads to byte"),
    "name that is no text": (put(GOOD, NAME + 4, "<B", 0xFF), "tensor 0: field 3 is not UTF-8 at byte 0"),
    "two tensors in one place": (
        put(GOOD, tensors_of(GOOD) + 8, "<I", u32(GOOD, tensors_of(GOOD) + 4) - 4), ""
    ),
    "only a header": (GOOD[:8], "the model: leads to byte"),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, (_, words) in STRUCTURES.items() if words])
def test_offsets_and_lengths_stay_in_the_file(name):
    data, words = STRUCTURES[name]
    with pytest.raises(FormatError, match=r"cut short or damaged|not UTF-8") as caught:
        parse(data)
    assert words in str(caught.value)


def test_the_file_under_damage_is_a_good_one():
    assert [operator.op for operator in parse(GOOD).operators] == ["RELU"]
    shared = parse(STRUCTURES["two tensors in one place"][0])  # allowed, and counted twice
    assert shared.tensors[0].name == shared.tensors[1].name


@pytest.mark.parametrize("name", ["zeros", "int8"])
def test_every_truncation_is_refused(name):
    data = (FOLDER / f"{name}.tflite").read_bytes()
    cuts = {*range(8, 200), *range(len(data) - 200, len(data)), *range(200, len(data), len(data) // 200)}
    refused = 0
    for cut in sorted(cuts):
        try:
            parse(data[:cut])
        except (FormatError, UnsupportedError):
            refused += 1
    assert refused >= len(cuts) - 40  # what stands last in the file may be a word that nobody reads


def quantized(**others: object) -> Cell:
    return replace(Cell("i1", (1, 4, 4, 2), None, (0.5,), (0,)), **others)  # type: ignore[arg-type]


def relu(*cells: Cell) -> bytes:
    return model(cells, RELU)


def codes(op: str) -> dict[int, object]:
    return {Slot.MODEL_CODES: [{Slot.CODE_BUILTIN: Number("<i4", BUILTINS.index(op))}]}


FIVE = constant(np.ones(5, np.float32))
MODELS = {
    "no model": (b"\0\0\0\0TFL2" + bytes(64), FormatError, "is no TensorFlow Lite model"),
    "version": (model(PAIR, RELU, root={0: Number("<u4", 4)}), UnsupportedError, "schema version 4, expected 3"),
    "subgraphs": (model(PAIR, RELU, root={2: [{}, {}]}), UnsupportedError, "holds 2 subgraphs, expected one"),
    "no subgraph": (model(PAIR, RELU, root={2: []}), UnsupportedError, "holds 0 subgraphs, expected one"),
    "text": (relu(Cell(), Cell(extra={1: Number("i1", 5)})), UnsupportedError, "tensor 1 't1': element type text"),
    "type": (relu(Cell(), Cell(extra={1: Number("i1", 99)})), UnsupportedError, "element type number 99"),
    "variable": (relu(Cell(), Cell(extra={5: Number("u1", 1)})), UnsupportedError, "is a variable"),
    "sparse": (relu(Cell(), Cell(extra={6: {}})), UnsupportedError, "stored as a sparse tensor"),
    "negative size": (relu(Cell(shape=(1, -4)), Cell()), FormatError, "tensor 0 't0': shape [1, -4] has a negative"),
    "huge size": (relu(Cell(), Cell(shape=(2**31 - 1,))), FormatError, "tensor 1 't1': the number of elements"),
    "huge product": (relu(Cell(), Cell(shape=(2**30,) * 16)), FormatError, "is above 2^480, the limit elements"),
    "huge beside none": (relu(Cell(), Cell(shape=(0, 2**31 - 1))), FormatError, "the limit elements is"),
    "many axes": (relu(Cell(), Cell(shape=(1,) * 17)), FormatError, "number of axes is 17, the limit axes is 16"),
    "no such buffer": (relu(Cell(), Cell(extra={2: Number("<u4", 9)})), FormatError, "stored in buffer 9 of 1"),
    "external": (model(PAIR, RELU, root={4: [{1: Number("<u8", 64)}]}), UnsupportedError, "stored behind the model"),
    "too few bytes": (relu(Cell(), Cell(), replace(FIVE, shape=(6,))), FormatError, "takes 24 bytes, its buffer has 20"),
    "too many bytes": (relu(Cell(), Cell(), replace(FIVE, shape=(0,))), FormatError, "takes 0 bytes, its buffer has 20"),
    "scale 0": (relu(quantized(scale=(0.0,)), quantized()), FormatError, "tensor 0 't0': scale[0] is 0.0, expected"),
    "scale below 0": (relu(quantized(scale=(-1.0,)), quantized()), FormatError, "scale[0] is -1.0"),
    "scale NaN": (relu(quantized(scale=(np.nan,)), quantized()), FormatError, "scale[0] is nan"),
    "scale inf": (relu(quantized(), quantized(scale=(0.5, np.inf), axis=3)), FormatError, "scale[1] is inf"),
    "zero points": (relu(quantized(zero=(0, 0)), quantized()), FormatError, "has 1 scales and 2 zero points"),
    "zero point": (relu(quantized(zero=(128,)), quantized()), FormatError, "zero point 128 is no int8"),
    "scales": (relu(quantized(scale=(0.5,) * 3, axis=3), quantized()), FormatError, "has 3 scales along axis 3 of"),
    "scales' axis": (relu(quantized(scale=(1, 1), axis=-1), quantized()), FormatError, "has 2 scales along axis -1"),
    "custom scales": (
        model([quantized(extra={4: {2: Vector("<f4", [1.0]), 4: Number("u1", 1)}}), quantized()], RELU),
        UnsupportedError, "in a way of its own",
    ),
    "no such code": (model(PAIR, [replace(RELU[0], extra={0: Number("<u4", 7)})]), FormatError, "is of code 7 of 1"),
    "no such tensor": (model(PAIR, [Step("RELU", [2], [1])]), FormatError, "operator 0 (RELU): names tensor 2 of 2"),
    "tensor -2": (model(PAIR, [Step("RELU", [-2], [1])]), FormatError, "operator 0 (RELU): names tensor -2 of 2"),
    "output left out": (model(PAIR, [Step("RELU", [0], [-1])]), FormatError, "operator 0 (RELU): names tensor -1 of 2"),
    "input of the model": (model(PAIR, RELU, inputs=[5]), FormatError, "the inputs of the model: names tensor 5 of 2"),
    "output of the model": (model(PAIR, RELU, outputs=[-1]), FormatError, "the outputs of the model: names tensor -1"),
    "never made": (model([*PAIR, Cell()], [Step("RELU", [2], [1])]), FormatError, "(RELU): reads tensor 2 't2', which"),
    "reads itself": (model(PAIR, [Step("ADD", [0, 1], [1], {})]), FormatError, "(ADD): reads tensor 1 't1', which"),
    "circle": (
        model([*PAIR, Cell()], [Step("ADD", [0, 2], [1]), Step("RELU", [1], [2])]),
        FormatError, "operator 0 (ADD): reads tensor 2 't2', which nothing makes before",
    ),
    "made twice": (model(PAIR, [*RELU, *RELU]), FormatError, "operator 1 (RELU): makes tensor 1 't1', which is made before"),
    "makes the input": (model(PAIR, [Step("RELU", [0], [0])]), FormatError, "makes tensor 0 't0', which is made before"),
    "input twice": (model(PAIR, RELU, inputs=[0, 0]), FormatError, "is an input of the model, and made before"),
    "output unmade": (model([*PAIR, Cell()], RELU, outputs=[2]), FormatError, "tensor 2 't2': is an output of the model"),
    "other options": (
        model(PAIR, [Step("ADD", [0, 0], [1], extra={4: {}, 3: Number("u1", 9)})]),
        FormatError, "operator 0 (ADD): has options of type 9, expected 11",
    ),
    "options missing": (model(PAIR, RELU, root=codes("ADD")), FormatError, "operator 0 (ADD): has no options"),
    "custom options": (
        model(PAIR, [Step("LceBconv2d", [0], [1], {"padding": 0})]),
        FormatError, "operator 0 (LceBconv2d): option stride_height is missing",
    ),
    "no custom options": (model(PAIR, [Step("LceBMaxPool2d", [0], [1])]), FormatError, "option filter_height is missing"),
    "custom options behind": (
        model(PAIR, [Step("LceBMaxPool2d", [0], [1], extra={9: Number("<u8", 4096)})]),
        UnsupportedError, "has its options behind the model",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_impossible_models_are_refused_with_operator_and_tensor(name):
    data, kind, words = MODELS[name]
    with pytest.raises(kind) as caught:
        parse(data)
    assert words in str(caught.value)


def test_refusals_name_the_file(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(MODELS["made twice"][0])
    with pytest.raises(FormatError, match=r"model\.tflite: operator 1 \(RELU\): makes tensor 1"):
        load(path)


def test_old_and_new_numbers_of_operators():
    """Before 2021 the number stood in a byte; 127 there says that it does not fit."""
    old = {Slot.MODEL_CODES: [{Slot.CODE_OLD: Number("i1", BUILTINS.index("RELU6"))}]}
    new = {Slot.MODEL_CODES: [{Slot.CODE_OLD: Number("i1", 127), Slot.CODE_BUILTIN: Number("<i4", BUILTINS.index("SIGN"))}]}
    unknown = {Slot.MODEL_CODES: [{Slot.CODE_BUILTIN: Number("<i4", 9999)}]}
    names = [parse(model(PAIR, RELU, root=code)).operators[0].op for code in (old, new, unknown)]
    assert names == ["RELU6", "SIGN", "number 9999"]


def test_defaults_are_the_schemas():
    conv = parse(model([Cell(), Cell(), Cell()], [Step("CONV_2D", [0, 1], [2], CONV)], inputs=[0, 1])).operators[0]
    assert conv.options == {
        "padding": 0, "stride_width": 1, "stride_height": 1, "fused_activation_function": 0,
        "dilation_width_factor": 1, "dilation_height_factor": 1,
    }  # fmt: skip
    assert set(conv.options) == set(OPTIONS["CONV_2D"][1])


LIMITS = {
    "file_bytes": (100, "the size of the file is"),
    "fields": (40, "the number of tables, texts and numbers read is"),
    "nodes": (0, "the number of operators is 1, the limit nodes is 0"),
    "elements": (31, "tensor 0 't0': the number of elements in shape [1, 4, 4, 2] is 32, the limit elements is 31"),
    "tensor_bytes": (127, "tensor 0 't0': the size of float32[1, 4, 4, 2] in bytes is 128"),
    "axes": (3, "tensor 0 't0': the number of axes is 4"),
    "text_bytes": (1, "tensor 0: the length of a text is 2"),
    "input_elements": (31, "tensor 0 't0': the number of elements of one image is 32"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_hold_and_can_be_raised(name, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(GOOD)
    limit, words = LIMITS[name]
    with pytest.raises(FormatError) as caught:
        load(path, limits=replace(DEFAULT, **{name: limit}))
    assert words in str(caught.value)
    assert f"--allow {name}=" in str(caught.value)
    assert load(path).nodes


def test_tensors_that_share_their_bytes_are_counted_each():
    """Offsets may lead everywhere to one place: a small file that is read a million times over is refused."""
    cells = [Cell(shape=(1, 2)) for _ in range(300)]
    data = bytearray(model(cells, [Step("RELU", [0], [1])]))
    sizes = len(data)
    data += struct.pack("<I", 5000) + bytes(4 * 5000)
    vector = tensors_of(bytes(data))
    for index in range(300):
        at = vector + 4 + 4 * index
        place = field(bytes(data), behind(bytes(data), at), Slot.TENSOR_SHAPE)
        struct.pack_into("<I", data, place, sizes - place)
    with pytest.raises(FormatError, match="number of axes is 5000"):
        parse(bytes(data))
    with pytest.raises(FormatError, match="the limit fields is 1000000"):
        parse(bytes(data), replace(DEFAULT, axes=10**6, elements=10**9))

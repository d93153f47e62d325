"""Whole numbers of four and two bits: in files, and in operators as the standard's own executor has them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

import ml_dtypes
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from neurobin.errors import FormatError, NeurobinError, UnsupportedError
from neurobin.frontend.limits import DEFAULT
from neurobin.frontend.onnx.evaluate import evaluate, execute_on
from neurobin.frontend.onnx.external import Folder
from neurobin.frontend.onnx.kinds import bits, bounds, converts, is_whole, narrow
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.reader import from_proto
from neurobin.frontend.onnx.tensors import kind_of, to_array
from tests.frontend.onnx.generate_narrow import INT2, INT4, NEWEST, TYPES, UINT2, drawn, number_of
from tests.frontend.onnx.net import Net

HERE = Folder(None, DEFAULT)


# the types


def test_they_are_whole_and_have_ends():
    for kind in TYPES:
        low, high = bounds(kind)
        assert is_whole(kind)
        assert kind_of(number_of(kind), "") == narrow(number_of(kind)) == kind
        assert high - low + 1 == 2 ** bits(kind)
        assert np.array([low, high]).astype(kind).astype(int).tolist() == [low, high]
    assert not is_whole(np.dtype(ml_dtypes.float8_e5m2))


def test_a_type_converts_where_all_its_numbers_are_held():
    kinds = [*TYPES, *(np.dtype(code) for code in "bBhHiIqQ")]
    for kind in kinds:
        for to in kinds:
            ends = np.array(bounds(kind), object)
            held = [bounds(to)[0] <= end <= bounds(to)[1] for end in ends]
            assert converts(kind, to) == all(held)


# tensors


@st.composite
def _tensors(draw: st.DrawFn) -> tuple[np.dtype, np.ndarray]:
    kind = draw(st.sampled_from(TYPES))
    shape = draw(st.lists(st.integers(0, 5), max_size=3))
    low, high = bounds(kind)
    count = int(np.prod(shape))
    numbers = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
    return kind, np.array(numbers, int).reshape(shape)


def _packed(values: np.ndarray, kind: np.dtype, pad: int = 0) -> list[int]:
    """Bytes of the numbers, first in the least significant bits; what fills up the last are ones where `pad` is 1."""
    width = bits(kind)
    stream = [int(value) >> bit & 1 for value in values.reshape(-1) for bit in range(width)]
    stream += [pad] * (-len(stream) % 8)
    return [sum(bit << place for place, bit in enumerate(stream[first : first + 8])) for first in range(0, len(stream), 8)]


@given(_tensors(), st.integers(0, 1))
def test_elements_are_unpacked(drawn_tensor, pad):
    """Raw bytes and int32_data hold the same bytes; bits behind the last element mean nothing."""
    kind, values = drawn_tensor
    packed = _packed(values, kind, pad)
    bare = TensorProto(name="t", data_type=number_of(kind), dims=values.shape)
    for stated in (TensorProto(raw_data=bytes(packed)), TensorProto(int32_data=packed)):
        stated.MergeFrom(bare)
        read = to_array(stated, "", HERE, DEFAULT)
        assert (read.dtype, read.shape) == (kind, values.shape)
        assert np.array_equal(read.astype(int), values)
        assert not read.flags.writeable


@given(_tensors())
def test_what_onnx_writes_is_read(drawn_tensor):
    kind, values = drawn_tensor
    listed = helper.make_tensor("t", number_of(kind), values.shape, values.reshape(-1).tolist())
    for written in (numpy_helper.from_array(values.astype(kind), "t"), listed):
        assert np.array_equal(to_array(written, "", HERE, DEFAULT).astype(int), values)


@given(_tensors(), st.sampled_from([-1, 1]))
def test_a_byte_more_or_less_is_refused(drawn_tensor, extra):
    kind, values = drawn_tensor
    packed = _packed(values, kind)
    if extra < 0 and not packed:
        return
    changed = packed[:-1] if extra < 0 else [*packed, 0]
    for stored, words in ({"raw_data": bytes(changed)}, "bytes, has"), ({"int32_data": changed}, "are stored as int32_data"):
        if changed or "raw_data" in stored:
            stated = TensorProto(name="t", data_type=number_of(kind), dims=values.shape, **stored)
            with pytest.raises(FormatError, match=words):
                to_array(stated, "", HERE, DEFAULT)


def test_external_data_is_packed_as_well(tmp_path):
    values = np.array([-8, 7, -1, 0, 3])
    (tmp_path / "w.bin").write_bytes(bytes([99, *_packed(values, INT4, 1), 99]))
    stated = TensorProto(name="w", data_type=TensorProto.INT4, dims=[5], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "w.bin"), ("offset", "1"), ("length", "3")):
        stated.external_data.add(key=key, value=value)
    assert to_array(stated, "", Folder(tmp_path, DEFAULT), DEFAULT).astype(int).tolist() == values.tolist()
    stated.external_data[2].value = "5"
    with pytest.raises(FormatError, match="states 5 bytes of external data, its shape takes 3"):
        to_array(stated, "", Folder(tmp_path, DEFAULT), DEFAULT)


# operators


def _call(op: str, count: int, version: int = NEWEST, **attributes: object) -> Call:
    """A call with the standard's defaults."""
    stated = {"axis": 1, "block_size": 0, "output_dtype": 0} if "Linear" in op else {}
    return Call("it", op, "", version, tuple("xsz"[:count]), ("y",), stated | attributes)


def _reference(op: str, operands: list[np.ndarray], **attributes: object) -> np.ndarray:
    """The same call as the standard's own executor has it."""
    names = list("xsz"[: len(operands)])
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
              for name, value in zip(names, operands, strict=True)]  # fmt: skip
    output = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph([helper.make_node(op, names, ["y"], **attributes)], "one", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", NEWEST)])
    return ReferenceEvaluator(model).run(None, dict(zip(names, operands, strict=True)))[0]


@pytest.mark.parametrize("blocks", ["one", "axis", "blocks"])
@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_quantizers_are_the_references(rng, kind, blocks):
    for _ in range(20):
        shape = tuple(int(size) for size in rng.integers(1, 7, 3))
        axis, block = int(rng.integers(-3, 3)), int(rng.integers(1, 7)) if blocks == "blocks" else 0
        along = {"one": (), "axis": (shape[axis],)}.get(blocks)
        if along is None:
            sizes = list(shape)
            sizes[axis] = -(-sizes[axis] // block)
            along = tuple(sizes)
        real = rng.choice([np.float32, np.float16])
        scale, zero = rng.uniform(0.1, 2, along).astype(real), drawn(rng, along, kind)
        if blocks == "blocks" and scale.size == 1:
            continue  # the reference leaves axes in
        stated = {"axis": axis, "block_size": block}
        x = rng.normal(0, 4, shape).astype(real)
        x.flat[:3] = (1e3, -1e3, 0.5)[: x.size]  # what saturates, and what may be a tie
        codes = execute_on(_call("QuantizeLinear", 3, **stated), [x, scale, zero])[0]
        assert codes.dtype == kind
        assert np.array_equal(codes, _reference("QuantizeLinear", [x, scale, zero], **stated))
        back = execute_on(_call("DequantizeLinear", 3, **stated), [codes, scale, zero])[0]
        wanted = _reference("DequantizeLinear", [codes, scale, zero], **stated)
        assert (back.dtype, back.tobytes()) == (wanted.dtype, wanted.tobytes())


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_the_type_may_be_stated_without_a_zero_point(kind):
    low, high = bounds(kind)
    x = np.float32([-99, -0.5, 0.5, 1.5, 99])
    codes = execute_on(_call("QuantizeLinear", 2, output_dtype=number_of(kind)), [x, np.float32(1)])[0]
    assert codes.dtype == kind
    assert codes.astype(int).tolist() == [low, 0, 0, min(2, high), high]


def test_the_precision_of_the_division_may_be_stated():
    x, scale = np.float32([1001.0]), np.float32(400.2)  # over it 2.501, and in float16 1001 / 400.25 = 2.5, a tie
    for precision, wanted in ((0, 3), (TensorProto.FLOAT16, 2)):
        stated = {"output_dtype": TensorProto.UINT4, "precision": precision}
        assert execute_on(_call("QuantizeLinear", 2, **stated), [x, scale])[0].astype(int).tolist() == [wanted]
        assert _reference("QuantizeLinear", [x, np.asarray(scale)], **stated).astype(int).tolist() == [wanted]


def test_results_may_have_another_type_than_the_scale():
    codes = np.array([-8, 7]).astype(INT4)
    half, full = np.float16(0.1), np.float32(0.1)
    made = execute_on(_call("DequantizeLinear", 2, output_dtype=TensorProto.FLOAT), [codes, half])[0]
    assert made.dtype == np.float32
    assert made.tolist() == [-8 * float(half), 7 * float(half)]
    made = execute_on(_call("DequantizeLinear", 2, output_dtype=TensorProto.FLOAT16), [codes, np.float32(0.25)])[0]
    assert (made.dtype, made.tolist()) == (np.float16, [-2, 1.75])
    with pytest.raises(UnsupportedError, match="scales that float16 does not hold"):
        execute_on(_call("DequantizeLinear", 2, output_dtype=TensorProto.FLOAT16), [codes, full])


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_casts_are_the_references(rng, kind):
    reals = rng.uniform(*bounds(kind), 40).astype(np.float32)
    wholes = rng.integers(-300, 300, 40)
    narrow_ones = [drawn(rng, (40,), other) for other in TYPES]
    for x in (reals, reals.astype(np.float16), wholes, wholes.astype(np.uint8), wholes > 0, *narrow_ones):
        made = execute_on(_call("Cast", 1, to=number_of(kind)), [x])[0]
        assert made.dtype == kind
        wanted = x.astype(np.int8) if x.dtype in TYPES else x  # the reference refuses to go from one to another
        assert np.array_equal(made, _reference("Cast", [wanted], to=number_of(kind)))
        assert np.array_equal(made, execute_on(_call("CastLike", 2), [x, made[:1]])[0])
    for to in (TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT64, TensorProto.BOOL, TensorProto.FLOAT16):
        codes = drawn(rng, (40,), kind)
        made = execute_on(_call("Cast", 1, to=to), [codes])[0]
        assert np.array_equal(made, _reference("Cast", [codes], to=to))


@pytest.mark.parametrize(
    ("op", "kind", "version", "attributes"),
    [
        ("Cast", np.dtype(np.float32), 19, {"to": TensorProto.INT4}),
        ("Cast", np.dtype(np.float32), 24, {"to": TensorProto.INT2}),
        ("QuantizeLinear", np.dtype(np.float32), 24, {"output_dtype": TensorProto.UINT2}),
        ("QuantizeLinear", np.dtype(np.float32), 25, {"output_dtype": TensorProto.INT32}),
        ("Add", INT4, 25, {}),
        ("Relu", UINT2, 25, {}),
        ("Identity", INT2, 24, {}),
    ],
)
def test_no_operator_has_a_type_before_the_standard_gave_it_one(op, kind, version, attributes):
    x = np.ones(3, kind)
    operands = [x, np.float32(1)] if "Linear" in op else [x, x] if op == "Add" else [x]
    with pytest.raises(FormatError, match=r"which .* does not"):
        execute_on(_call(op, len(operands), version, **attributes), operands)


def test_moves_keep_the_type(rng):
    codes = drawn(rng, (2, 3, 4), INT2)
    moves = {
        "Identity": ([], {}, codes),
        "Transpose": ([], {"perm": (2, 0, 1)}, codes.transpose(2, 0, 1)),
        "Reshape": ([np.array([4, 6])], {}, codes.reshape(4, 6)),
        "Flatten": ([], {"axis": 2}, codes.reshape(6, 4)),
        "Unsqueeze": ([np.array([0])], {}, codes[None]),
        "Pad": ([np.array([1, 0, 0, 0, 0, 0])], {"mode": "constant"}, np.concatenate([np.zeros((1, 3, 4), INT2), codes])),
    }
    for op, (others, attributes, wanted) in moves.items():
        made = execute_on(_call(op, 1 + len(others), **attributes), [codes, *others])[0]
        assert made.dtype == INT2, op
        assert np.array_equal(made, wanted), op


def test_types_without_a_meaning_are_named():
    for kind in ("FLOAT8E4M3FN", "FLOAT4E2M1", "BFLOAT16"):
        net = Net((1, 4), opset=NEWEST)
        net("Cast", net("Cast", net.name, to=TensorProto.DataType.Value(kind)), to=TensorProto.FLOAT)
        with pytest.raises(NeurobinError, match=f"element type {kind}"):
            evaluate(from_proto(net.proto()), {"x": np.ones((1, 4), np.float32)})

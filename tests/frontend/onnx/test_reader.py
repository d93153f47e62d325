"""What the reader makes of a file: tensors to the bit, constants apart from inputs, calls in an order that works."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from onnx import ModelProto, TensorProto, helper, numpy_helper

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.external import Folder
from neurobin.frontend.onnx.reader import from_proto, parse, read_model
from neurobin.frontend.onnx.sane import check_numbers
from neurobin.frontend.onnx.tensors import KINDS, to_array
from tests.frontend.onnx.hostile_structures import node, proto, tensor

HERE = Folder(None, DEFAULT)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def _bits(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values).tobytes()


@st.composite
def _tensors(draw: st.DrawFn) -> tuple[int, np.ndarray]:
    """(element type, values): every pattern a type can hold, NaN of any payload too."""
    number = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[number][0]
    if kind.kind == "f":
        patterns = draw(arrays.arrays(np.dtype(f"<u{kind.itemsize}"), draw(SHAPES)))
        return number, patterns.view(kind)
    return number, draw(arrays.arrays(kind, draw(SHAPES)))


@given(_tensors())
def test_bytes_are_read_to_the_bit(drawn):
    number, values = drawn
    read = to_array(TensorProto(name="t", data_type=number, dims=values.shape, raw_data=_bits(values)), "", HERE, DEFAULT)
    assert (read.dtype, read.shape, _bits(read)) == (values.dtype, values.shape, _bits(values))
    assert not read.flags.writeable


@given(_tensors())
def test_numbers_are_read_to_the_bit(drawn):
    """But for NaN, whose payload protobuf's own conversion to a Python number may change."""
    number, values = drawn
    kind, field = KINDS[number]
    stated = TensorProto(name="t", data_type=number, dims=values.shape)
    plain = values.reshape(-1).view({"float16": "<u2", "bool": "u1"}.get(kind.name, kind))
    getattr(stated, field).extend(plain.tolist())
    read = to_array(stated, "", HERE, DEFAULT)
    assert (read.dtype, read.shape) == (values.dtype, values.shape)
    if kind.kind == "f" and kind.itemsize > 2:
        nan = np.isnan(values)
        assert np.array_equal(np.isnan(read), nan)
        assert _bits(read[~nan]) == _bits(values[~nan])
    else:
        assert _bits(read) == _bits(values)


@given(_tensors(), st.integers(-1, 2))
def test_what_onnx_writes_is_read(drawn, extra):
    """numpy_helper's own tensors; and with an element more or less they are refused."""
    _, values = drawn
    written = numpy_helper.from_array(values, "t")
    assert _bits(to_array(written, "", HERE, DEFAULT)) == _bits(values)
    if extra and len(written.raw_data):
        size = values.dtype.itemsize
        written.raw_data = written.raw_data + bytes(extra * size) if extra > 0 else written.raw_data[: extra * size]
        with pytest.raises(FormatError, match="bytes, has"):
            to_array(written, "constant 't'", HERE, DEFAULT)


@given(_tensors())
def test_the_sane_are_told_from_the_rest(drawn):
    """By numpy's own tests, which `sane` does not use."""
    _, values = drawn
    if values.dtype.kind != "f":
        check_numbers(values, "constant 't'")
        return
    least = np.finfo(values.dtype).tiny if values.dtype.itemsize > 2 else 0
    bad = ~np.isfinite(values) | ((values != 0) & (np.abs(values) < least))
    if bad.any():
        first = [int(index) for index in np.argwhere(bad)[0]]
        with pytest.raises(FormatError) as raised:
            check_numbers(values, "constant 't'")
        assert not first or f"at {first}" in str(raised.value)
    else:
        check_numbers(values, "constant 't'")


def test_inputs_that_have_values_are_constants():
    """Files of the old intermediate representation list every initialiser among the inputs."""
    model = proto([node("MatMul", "x", "w")], [tensor(np.ones((4, 2)), "w")])
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 2]))
    read = from_proto(model)
    assert [port.name for port in read.ports] == ["x"]
    assert list(read.constants) == ["w"]


@given(st.permutations(range(8)), st.integers(0, 2**16))
def test_nodes_are_sorted(order, seed):
    """Random additions, their nodes in any order: each call's tensors are there before it, and the result is the same."""
    rng = np.random.default_rng(seed)
    nodes = []
    for index in range(8):
        earlier = ["x", *(f"t{i}" for i in range(index))]
        operands = [earlier[i] for i in rng.integers(len(earlier), size=2)]
        nodes.append(node("Add", *operands, to=f"t{index}"))
    model = proto([nodes[index] for index in order], output="t7")
    sorted_model = from_proto(model)
    made = {"x"}
    for call in sorted_model.calls:
        assert set(call.inputs) <= made
        made |= set(call.outputs)
    x = np.ones((1, 4), np.float32)
    plain = from_proto(proto(nodes, output="t7"))
    assert np.array_equal(evaluate(sorted_model, {"x": x})["t7"], evaluate(plain, {"x": x})["t7"])
    assert [call.outputs for call in plain.calls] == [(f"t{i}",) for i in range(8)]  # an order that works stays


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"file_bytes": 100}, "the limit file_bytes is 100"),
        ({"fields": 10}, "the limit fields is 10"),
        ({"decoded_bytes": 1000}, "the limit decoded_bytes is 1000"),
        ({"nodes": 0}, "the limit nodes is 0"),
        ({"elements": 7}, "the limit elements is 7"),
        ({"constant_elements": 7}, "the limit constant_elements is 7"),
        ({"tensor_bytes": 31}, "the limit tensor_bytes is 31"),
        ({"total_bytes": 31}, "the limit total_bytes is 31"),
        ({"input_elements": 3}, "the limit input_elements is 3"),
        ({"text_bytes": 5}, "the limit text_bytes is 5"),
        ({"axes": 1}, "the limit axes is 1"),
    ],
)
def test_every_limit_stands_in_its_error(tmp_path, change, words):
    path = tmp_path / "model.onnx"
    path.write_bytes(proto([node("MatMul", "x", "w")], [tensor(np.ones((4, 2)), "w")]).SerializeToString())
    read_model(path)
    with pytest.raises(FormatError, match=words):
        read_model(path, Limits(**change))


def test_operators_of_all_generations_of_qonnx_are_one():
    for name in ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"):
        model = proto([node("BipolarQuant", "x", "s", domain=name)], [tensor(1.0, "s")])
        assert from_proto(model).calls[0].domain == "qonnx"
    model.opset_import[1].version = 3
    with pytest.raises(UnsupportedError, match="version 3 of operator set qonnx"):
        from_proto(model)


def test_bytes_are_no_model_of_another_kind():
    """A tensor's bytes parse as a model of unknown fields; what has no graph is none."""
    with pytest.raises(FormatError, match=r"holds no graph|wire type"):
        parse(numpy_helper.from_array(np.ones(3, np.float32), "t").SerializeToString())
    assert isinstance(parse(proto([node("Relu", "x")]).SerializeToString()), ModelProto)

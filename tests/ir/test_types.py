"""Tensor types and constants: what they refuse and how they compare."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import GraphError
from neurobin.ir import BIPOLAR, FLOAT32, FLOAT64, Constant, DType, TensorType, parse_type
from neurobin.ir.dtype import i, u


@pytest.mark.parametrize("text", ["u8[28,28,1]", "bipolar[64]", "u2<3,1>[1,2,3,4]", "f32[5]"])
def test_text_is_inverted_by_parse(text: str) -> None:
    assert str(parse_type(text)) == text


@pytest.mark.parametrize("text", ["u8", "u8[", "u8[]", "u8[a]", "u8[1,]", "u8[0]", "u8[-1]", "[3]", "u8[3]]", "u8[1.0]",
                                  "u8[65536,65536]", "u8[1,1,1,1,1,1,1,1,1]", "u8[" + "9" * 5000 + "]"])  # fmt: skip
def test_refuses_text_that_is_no_type(text: str) -> None:
    with pytest.raises(GraphError):
        parse_type(text)


@pytest.mark.parametrize("shape", [(), (0,), (-1, 2), (True,), (np.int64(3),), (2.0,), (2**16, 2**16), (1,) * 9])
def test_refuses_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(GraphError):
        TensorType(shape, BIPOLAR)


def test_sizes() -> None:
    kind = TensorType((4, 5, 6), u(3))
    assert (kind.size, kind.channels, kind.bits, str(kind)) == (120, 6, 360, "u3[4,5,6]")


def test_a_constant_is_a_read_only_copy() -> None:
    values = np.array([1, -1])
    constant = Constant(BIPOLAR, values)
    values[0] = -1
    assert constant.values.tolist() == [1, -1]
    with pytest.raises(ValueError, match="read-only"):
        constant.values[0] = 1


@pytest.mark.parametrize(
    ("dtype", "values", "message"),
    [
        (FLOAT32, [[1.0, np.nan]], "constant holds nan at index (0, 1) (try: retrain or repair the parameter)"),
        (FLOAT64, [np.inf], "constant holds inf at index (0,) (try: retrain or repair the parameter)"),
        (i(4), [0.5], "constant of type i4 does not hold its values exactly (max |v| 0.5)"),
        (i(4), [300.0], "constant of type i4 does not hold its values exactly (max |v| 300.0)"),
        (i(4), [8], "constant has values outside i4 (range 8 to 8)"),
        (BIPOLAR, [0], "constant has values outside bipolar (range 0 to 0)"),
        (i(4), ["a"], "constant of type i4 got values of numpy type <U1, expected numbers of 64 bits"),
        (i(4), [2**70], "constant of type i4 got values of numpy type object, expected numbers of 64 bits"),
        (i(4), [], "a constant has at least one axis and one element, got shape (0,)"),
        (i(4), 3, "a constant has at least one axis and one element, got shape ()"),
    ],
)
def test_constants_refuse(dtype: DType, values: object, message: str) -> None:
    with pytest.raises(GraphError) as error:
        Constant(dtype, values)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_unsigned_64_bit_values_do_not_wrap() -> None:
    with pytest.raises(GraphError):
        Constant(i(64), np.array([2**63], np.uint64))


def test_equality_and_digest_see_every_value() -> None:
    a, b = Constant(i(8), [1, 2, 3]), Constant(i(8), [1, 2, 4])
    assert a != b
    assert a.digest != b.digest
    assert a == Constant(i(8), np.array([1, 2, 3], np.int64))
    assert hash(a) == hash(Constant(i(8), [1, 2, 3]))
    assert a != Constant(i(9), [1, 2, 3])
    assert str(a) == f"i8[3]#{a.digest}"
    assert a.bits == 24

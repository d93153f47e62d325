"""What every op inherits."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import GraphError, UnsupportedError
from neurobin.ir import BIPOLAR, BitTensor, Constant, IntTensor, Op, TensorType, per_channel, to_packed
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class, op_names
from neurobin.ops.bit_conv2d import BitConv2d
from neurobin.ops.reshape import Reshape


def test_names_come_from_files() -> None:
    assert op_class("bit_conv2d") is BitConv2d
    assert all(op_class(name).__module__ == f"neurobin.ops.{name}" for name in op_names())
    assert Reshape((1,)).name == "reshape"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("bit_conv", "'bit_conv2d'"), ("zzz", "neurobin ops"), ("_linear", "neurobin ops"), ("os", "")],
)
def test_unknown_ops_are_refused_with_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(UnsupportedError, match=f"unknown op '{name}'") as error:
        op_class(name)
    assert error.value.exit_code == 3
    assert hint in error.value.hint


def test_narrow_tensors_travel_as_planes() -> None:
    values = np.array([[1, 0, 3]])
    assert isinstance(to_packed(values, u(4)), BitTensor)
    wide = to_packed(values, u(5))
    assert isinstance(wide, IntTensor)
    assert wide.array.dtype == np.int8
    assert wide.shape == (1, 3)


def test_per_channel_takes_one_or_all() -> None:
    assert per_channel(Constant(i(8), [5]), 3, "bias").tolist() == [5]
    with pytest.raises(GraphError, match=r"bias has shape \(2,\), expected one value or 3"):
        per_channel(Constant(i(8), [5, 6]), 3, "bias")
    with pytest.raises(GraphError, match=r"bias has shape \(1, 3\)"):
        per_channel(Constant(i(8), [[5, 6, 7]]), 3, "bias")


def test_an_op_without_methods_says_so() -> None:
    with pytest.raises(GraphError, match="Op does not define infer"):
        Op().infer(TensorType((1,), BIPOLAR))
    with pytest.raises(GraphError, match="Op does not define reference"):
        Op().reference(np.zeros(1))

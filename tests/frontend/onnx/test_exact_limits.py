"""Where whole numbers end: what a type of the file would round, or what only looks like an integer op, becomes none."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from onnx import helper

from neurobin.errors import FormatError, NeurobinError, UnsupportedError
from neurobin.frontend.onnx.convert import to_graph
from tests.frontend.onnx.net import DOUBLE, HALF, Net, agree
from tests.frontend.onnx.test_exact import annotated, ops, thresholds, whole

SHAPE = (1, 3, 5, 7)
HALF_UP = np.float32(0.5)


def as_trained(net: Net, end: str, **claims: str) -> list[str]:
    """The ops of the graph, after it was found to be no deployed one."""
    graph = to_graph(annotated(net, end, **claims))
    assert not graph.is_deployed
    return ops(graph)


def refused(net: Net, end: str, message: str, kind: type[NeurobinError] = UnsupportedError, **claims: str) -> None:
    with pytest.raises(kind, match=message):
        to_graph(annotated(net, end, **claims))


def test_what_differs_by_one_from_agreement_is_none():
    """1 - |a + (b - 1)| says whether two bits differ; b - 1 has the type of -b."""
    net = Net(SHAPE)
    a, b = thresholds(net, net.name, [[1]]), thresholds(net, net.name, [[-4], [2], [9]])
    differs = net("Sub", np.float32(1), net("Abs", net("Add", a, net("Sub", b, np.float32(1)))))
    agrees = net("Sub", np.float32(1), net("Abs", net("Add", a, net("Neg", b))))
    assert "logic" not in ops(whole(net, differs))
    assert ops(whole(net, agrees))[-1] == "logic"


def test_levels_that_float32_rounds_on_the_way():
    """(2^23 + 1) n is odd beyond 2^24 before the bias brings it back; so is a first part that a second one undoes, which
    becomes one quantizer whose levels are the file's rounded sums."""
    net = Net(SHAPE)
    refused(net, thresholds(net, net.name, [[-5, 0, 5]], 2**23 + 1, -(2**24)), "not multiples of one scale")
    parts = [thresholds(net, net.name, [[-5, 5]], 1, 2**24 + 1), thresholds(net, net.name, [[0]], 1, -(2**24) - 1)]
    assert ops(whole(net, net("Sum", *parts))) == ["multi_threshold"]


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_halves_that_float32_rounds(slope):
    """2^23 + 1/2 is no float32 number, so that floor(x + 1/2) is not x there; in float64 it is."""
    net = Net(SHAPE)
    end = net("Floor", net("Add", net("PRelu", net.name, np.float32(slope)), HALF_UP))
    assert ops(whole(net, end, given="INT22")) == ["prelu"]
    refused(net, end, "more than 256 levels", given="UINT24")
    wide = Net(SHAPE, DOUBLE)
    end = wide("Floor", wide("Add", wide("PRelu", wide.name, np.float64(slope)), np.float64(0.5)))
    assert ops(whole(wide, end, given="UINT24")) == ["prelu"]


def test_products_that_float32_rounds_are_real():
    net = Net(SHAPE)
    assert ops(whole(net, net("Mul", net.name, net.name), given="INT8")) == ["multiply"]
    assert as_trained(net, net("Mul", net.name, net.name), given="INT16") == ["multiply", "affine"]


def test_an_image_of_numbers_that_its_type_rounds_is_refused():
    net = Net(SHAPE, HALF)
    refused(net, net("Relu", net.name), "input 'x': numbers from -8388608 to 8388607, beyond .* of float16", given="INT24")


def test_logic_is_of_tensors_in_one_order_of_axes():
    net = Net((1, 3, 3, 3))
    bits = net.sign(net.name)
    refused(net, net("Max", bits, net("Transpose", bits, perm=[0, 1, 3, 2])), "of one shape")


@pytest.mark.parametrize("rows", [[-5.0, 5.0, 6.0], 3.0, [[1.0], [2.0]]])
def test_thresholds_in_a_sum_are_as_checked_as_alone(rows):
    net = Net(SHAPE)
    total = net("Sum", thresholds(net, net.name, rows), thresholds(net, net.name, [[0]]))
    refused(net, total, r"MultiThreshold_t0.*thresholds of shape .* for 3 channels", FormatError)


def test_numbers_beyond_64_bits_are_no_factors():
    """Whole, as every float32 from 2^24 on, and out of reach for any op."""
    net = Net(SHAPE)
    assert as_trained(net, net("Mul", net.name, np.full((5, 7), 1e30, np.float32))) == ["position_scale"]


def test_padding_is_with_one_value():
    net = Net(SHAPE)
    around = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    for values in ([], [1, 2]):
        refused(net, net("Pad", net.name, around, np.float32(values)), "the value to pad with has shape", FormatError)


def test_types_are_checked_of_what_is_written_late():
    """The product is a chain until the sum reads it: float64 beside float32, which the standard does not add."""
    net = Net(SHAPE)
    refused(net, net("Add", net("Cast", net.name, to=DOUBLE), net.name), "is float32, beside one of float64", FormatError)


def test_a_tensor_named_as_our_own_is_not_mistaken_for_it():
    """Codes less their zero point are kept; a file may give any name to another tensor."""
    net = Net((1, 4))
    codes = net("QuantizeLinear", net.name, np.float32(1), np.int8(0))
    first = net("MatMulInteger", codes, np.eye(4, dtype=np.int8), np.int8(3))
    operands = [net.name, net.constant(np.float32(4)), net.constant(np.int8(7))]
    net.nodes.append(helper.make_node("QuantizeLinear", operands, [f"{codes} less 3"], name="other"))
    second = net("MatMulInteger", f"{codes} less 3", np.eye(4, dtype=np.int8))
    agree(net, net("Add", net("Cast", first, to=1), net("Cast", second, to=1)))


def test_an_operator_with_an_impossible_constant_is_named():
    net = Net((1, 4))
    sums = net("MatMul", net.name, np.eye(4, dtype=np.float32))
    refused(net, net("Add", sums, net("Div", np.ones(4, np.float32), np.float32(0))), r"Add_t2.*holds inf", result="FLOAT32")

"""What each op refuses, word for word."""
# ruff: noqa: E501 - one case per line

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import GraphError
from neurobin.ir import BIPOLAR, FLOAT32, FLOAT64, TERNARY, Constant, DType, Encoding, TensorType, parse_type
from neurobin.ir.dtype import i
from neurobin.ops import op_class

W4 = Constant(BIPOLAR, np.ones((4, 3, 3, 2)))
ONE = Constant(i(2), [1])
HALF = Constant(FLOAT64, [0.5])


def c(dtype: DType, *values: object) -> Constant:
    return Constant(dtype, np.array(values))


REFUSALS = [
    ("add", {}, ["i8[2]", "i8[3]"], "shapes (2,) and (3,) do not match axis by axis (size 1 stretches)"),
    ("add", {}, ["i8[2]", "i8[1,2]"], "shapes (2,) and (1, 2) do not match axis by axis (size 1 stretches)"),
    ("add", {"dtype": FLOAT32}, ["i8[2]", "i8[2]"], "cannot clip to f32: not every integer in its range is one of its values"),
    ("add", {"dtype": i(8)}, ["f32[2]", "i8[2]"], "real sums are not saturated to i8 (try: requantise after lowering)"),
    ("affine", {"scale": c(FLOAT64, 1, 2)}, ["i8[3]"], "scale has shape (2,), expected one value or 3 (one per channel)"),
    ("arg_max", {}, ["i8[2,2]"], "expected a vector (F,), got shape (2, 2)"),
    ("avg_pool2d", {"kernel": (3, 3), "stride": (1, 1)}, ["i8[2,9,1]"],
     "window of reach 3x3 is larger than the padded map of (2, 9, 1)"),
    ("batch_norm", {"gamma": HALF, "beta": HALF, "mean": HALF, "variance": c(FLOAT64, -1.0)}, ["f32[3]"],
     "variance + epsilon must be positive (try: the running statistics are damaged)"),
    ("bit_conv2d", {"weight": W4}, ["i8[5,5,3]"], "weight reads 2 channels per group, the map has 3 in 1 groups"),
    ("bit_conv2d", {"weight": W4, "groups": 3}, ["i8[5,5,6]"], "groups=3 must divide both 6 input and 4 output channels"),
    ("bit_conv2d", {"weight": W4, "groups": 0}, ["i8[5,5,2]"], "groups=0 must divide both 2 input and 4 output channels"),
    ("bit_conv2d", {"weight": W4}, ["f32[5,5,2]"], "expected integer operands, got f32 activations and bipolar weights"),
    ("bit_conv2d", {"weight": W4}, ["i8[50]"], "expected a map (H, W, C), got shape (50,)"),
    ("bit_conv2d", {"weight": c(BIPOLAR, 1, 1)}, ["i8[5,5,2]"], "weight has shape (2,), expected [O, KH, KW, C/groups]"),
    ("bit_conv2d", {"weight": W4, "padding": (1, 0, 0, 0), "pad_value": -1}, ["u8[5,5,2]"],
     "pad_value=-1 is not a value of u8 (0 is always allowed and carried exactly)"),
    ("bit_dense", {"weight": c(BIPOLAR, [1, 1])}, ["i8[3]"], "weight has shape (1, 2), the input (3,); expected [O, F] and (F,)"),
    ("bit_dense", {"weight": Constant(FLOAT32, [[0.5]])}, ["i8[1]"], "expected integer operands, got i8 activations and f32 weights"),
    ("channel_shuffle", {"groups": 3}, ["i8[4]"], "groups=3 must divide 4 channels"),
    ("clip", {"low": float("nan"), "high": 1.0}, ["f32[4]"], "expected low <= high, got nan and 1.0"),
    ("concat", {}, ["i8[2,3]", "i9[2,3]"], "expected one element type and equal leading axes, got i8[2,3], i9[2,3]"),
    ("concat", {}, ["i8[2,3]", "i8[1,3]"], "expected one element type and equal leading axes, got i8[2,3], i8[1,3]"),
    ("int_conv2d", {"weight": W4, "stride": (0, 1)}, ["i8[5,5,2]"],
     "kernel, stride and dilation are at least 1 and padding at least 0, got Window(kernel=(3, 3), stride=(0, 1), padding=(0, 0, 0, 0), dilation=(1, 1))"),
    ("int_dense", {"weight": c(i(8), 1)}, ["i8[1]"], "weight has shape (1,), the input (1,); expected [O, F] and (F,)"),
    ("logic", {"kind": "nand"}, ["bipolar[2]", "bipolar[2]"], "the kind of logic is one of xnor, or, and, got 'nand'"),
    ("logic", {"kind": "or"}, ["bipolar[2]", "binary[2]"],
     "expected two bipolar or two binary tensors of one shape, got bipolar[2] and binary[2]"),
    ("logic", {"kind": "or"}, ["u2[2]", "u2[2]"], "expected two bipolar or two binary tensors of one shape, got u2[2] and u2[2]"),
    ("logic", {"kind": "or"}, ["binary[1,1,2]", "binary[2,2,2]"],
     "expected two bipolar or two binary tensors of one shape, got binary[1,1,2] and binary[2,2,2]"),
    ("lookup", {"table": c(i(8), 1, 2), "low": 0}, ["binary[3]"], "the table has shape (2,), expected [3 or 1, K]"),
    ("lookup", {"table": c(i(8), [1, 2]), "low": 0}, ["f32[3]"], "expected integers, got a table of i8 for f32"),
    ("lookup", {"table": c(FLOAT64, [1, 2]), "low": 0}, ["binary[3]"], "expected integers, got a table of f64 for binary"),
    ("lookup", {"table": c(i(8), [1, 2]), "low": 0}, ["bipolar[3]"], "the table has entries for 0 to 1, bipolar is wider"),
    ("lookup", {"table": c(i(8), [1, 2]), "low": -1}, ["bipolar[3]"], "the table has entries for -1 to 0, bipolar is wider"),
    ("max_pool2d", {"kernel": (2, 2), "stride": (1, 1), "padding": (2, 0, 0, 0)}, ["i8[5,5,1]"],
     "padding (2, 0, 0, 0) would make a window of padding only (kernel (2, 2))"),
    ("max_pool2d", {"kernel": (2, 1), "stride": (1, 1), "padding": (1, 0, 1, 0), "dilation": (2, 1)}, ["i8[1,5,1]"],
     "padding (1, 0, 1, 0) would make a window of padding only (kernel (2, 1))"),
    ("multi_threshold", {"thresholds": c(i(8), [1, 0]), "dtype": TERNARY}, ["i8[1]"], "thresholds must ascend in every channel"),
    ("multi_threshold", {"thresholds": c(i(8), [0, 0]), "dtype": BIPOLAR}, ["i8[1]"], "2 thresholds need more levels than bipolar has"),
    ("multi_threshold", {"thresholds": c(i(8), [0, 1, 2, 3]), "dtype": DType(Encoding.BIPOLAR, 2, (1, 5))}, ["i8[1]"],
     "4 thresholds need more levels than bipolar2<1,5> has"),
    ("multi_threshold", {"thresholds": c(i(8), 0), "dtype": BIPOLAR}, ["i8[1]"], "thresholds have shape (1,), expected [1 or 1, L]"),
    ("multi_threshold", {"thresholds": c(i(8), [0]), "dtype": BIPOLAR, "descending": c(i(2), 0, 1)}, ["i8[3]"],
     "descending has shape (2,), expected one value or 3 (one per channel)"),
    ("multi_threshold", {"thresholds": Constant(FLOAT64, [[0.5]]), "dtype": BIPOLAR}, ["i8[1]"],
     "integers need integer thresholds (try: round them up: x >= t holds where x >= ceil(t))"),
    ("multiply", {"shift": 1}, ["f32[1]", "i8[1]"],
     "real products are neither shifted nor saturated (try: requantise after lowering)"),
    ("multiply", {"shift": 63}, ["i8[1]", "i8[1]"], "the product may exceed 64 bits, or shift 63 is outside 0..62"),
    ("pad", {"padding": (0, 0, 0, -1)}, ["i8[5,5,1]"],
     "expected a map (H, W, C) and padding of at least 0, got (5, 5, 1) and (0, 0, 0, -1)"),
    ("position_scale", {"factor": c(i(8), [1, 2])}, ["i8[2,1,3]"],
     "factors have shape (1, 2), the map (2, 1, 3); expected [H, W] and (H, W, C)"),
    ("position_scale", {"factor": c(i(8), [1, 2])}, ["i8[2]"],
     "factors have shape (1, 2), the map (2,); expected [H, W] and (H, W, C)"),
    ("position_scale", {"factor": Constant(i(40), [[1 << 38]])}, ["i40[1,1,3]"],
     "the product may exceed 64 bits (try: narrower factors)"),
    ("prelu", {"slope": HALF}, ["i8[1]"], "integers need an integer slope and a shift in 0..62, got f64, 0"),
    ("quantize", {"bits": 0}, ["f32[1]"], "expected 1 to 32 bits, got 0"),
    ("quantize", {"bits": 33}, ["f32[1]"], "expected 1 to 32 bits, got 33"),
    ("requantise", {"multiplier": HALF, "bias": ONE, "shift": 0, "dtype": i(8)}, ["i8[1]"], "expected integers, got i8 * f64 + i2"),
    ("requantise", {"multiplier": ONE, "bias": ONE, "shift": 0, "dtype": i(8)}, ["f32[1]"], "expected integers, got f32 * i2 + i2"),
    ("requantise", {"multiplier": ONE, "bias": ONE, "shift": 0, "dtype": FLOAT32}, ["i8[1]"],
     "cannot clip to f32: not every integer in its range is one of its values"),
    ("reshape", {"shape": (2, 2)}, ["i8[5]"], "shape (2, 2) has 4 elements, the input 5"),
    ("reshape", {"shape": (-5, -1)}, ["i8[5]"], "every axis is a Python int of at least 1, got shape (-5, -1)"),
    ("sign", {"threshold": c(FLOAT64, 1, 2)}, ["i8[3]"], "threshold has shape (2,), expected one value or 3 (one per channel)"),
    ("slice", {"start": 2, "stop": 2}, ["i8[3]"], "expected 0 <= start < stop <= 3, got 2 and 2"),
    ("slice", {"start": -1, "stop": 2}, ["i8[3]"], "expected 0 <= start < stop <= 3, got -1 and 2"),
    ("sum_pool2d", {"kernel": (2, 2), "stride": (1, 1)}, ["i8[4]"], "expected a map (H, W, C), got shape (4,)"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields", "types", "message"), REFUSALS)
def test_refuses(name: str, fields: dict[str, object], types: list[str], message: str) -> None:
    operands: list[TensorType] = [parse_type(text) for text in types]
    with pytest.raises(GraphError) as error:
        op_class(name)(**fields).infer(*operands)
    assert str(error.value) == message

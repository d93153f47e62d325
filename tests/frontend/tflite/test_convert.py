"""What converts to what, against plain numpy, and refusals: every operator without a meaning, at once and by its number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurobin.errors import FormatError, UnsupportedError
from neurobin.exec import reference
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT
from neurobin.frontend.tflite.convert import to_graph
from neurobin.frontend.tflite.describe import describe
from neurobin.frontend.tflite.reader import parse
from tests.frontend.tflite.build import Cell, Step, constant, model
from tests.frontend.tflite.small import NONE, graph

BCONV = {
    "stride_height": 1, "stride_width": 1, "dilation_height_factor": 1, "dilation_width_factor": 1, "padding": 0,
    "pad_values": 0, "channels_in": 2, **NONE,
}  # fmt: skip


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape)


def test_all_operators_without_a_meaning_are_listed_with_their_numbers():
    steps = [Step("EXP", [0], [1]), Step("Mystery", [1], [2]), Step("RELU", [2], [3]), Step("COS", [3], [4])]
    with pytest.raises(UnsupportedError) as caught:
        graph([Cell(name=f"n{index}") for index in range(5)], steps)
    assert str(caught.value) == (
        "operator 0 (EXP): no meaning for this operator, which makes tensor 1 'n1'; "
        "operator 1 (Mystery): no meaning for this operator, which makes tensor 2 'n2'; "
        "operator 3 (COS): no meaning for this operator, which makes tensor 4 'n4'"
    )
    found = describe(parse(model([Cell() for _ in range(5)], steps)))
    assert {one.name for one in found.operators if not one.known} == {"EXP", "Mystery", "COS"}


def test_many_are_counted():
    steps = [Step("COS", [index], [index + 1]) for index in range(30)]
    with pytest.raises(UnsupportedError, match="; and 10 more"):
        graph([Cell() for _ in range(31)], steps)


def test_what_the_output_does_not_need_may_be_anything():
    steps = [Step("COS", [0], [1]), Step("RELU", [0], [2])]
    assert len(graph([Cell(), Cell(), Cell()], steps).nodes) == 2


def test_names_that_mean_harm_stay_text():
    cells = [Cell(name="\x1b[31m../../etc/passwd\n"), Cell(name="=cmd|' /C calc'!A0" + "x" * 5000)]
    made = graph(cells, [Step("RELU", [0], [1])])
    assert all(name.isprintable() and len(name) < 120 and "\x1b" not in name for name in made.types)
    with pytest.raises(UnsupportedError) as caught:
        graph(cells, [Step("Bad\x1b]0;\n" + "y" * 5000, [0], [1])])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_gates_of_channels_stretch_over_the_map():
    """Squeeze-and-excitation as Larq's Real-to-Binary network has it: [1, C] beside [1, H, W, C]."""
    cells = [Cell(shape=(1, 4, 3, 2)), constant(np.int32([1, 2])), Cell(shape=(1, 2)), Cell(shape=(1, 4, 3, 2))]
    made = graph(cells, [Step("MEAN", [0, 1], [2], {"keep_dims": 0}), Step("MUL", [0, 2], [3], NONE)])
    x = images(2, 4, 3, 2)
    real = x / 255
    assert np.allclose(reference.run(made, x), real * real.mean((1, 2), keepdims=True), atol=1e-12)


def test_float16_constants_are_widened():
    weights = np.float16([[0.5, -1.5], [2.0, 0.25]])
    cells = [Cell(shape=(1, 2)), constant(weights), Cell(shape=(2, 2)), Cell(shape=(1, 2))]
    steps = [Step("DEQUANTIZE", [1], [2]), Step("FULLY_CONNECTED", [0, 2], [3], NONE)]
    x = images(3, 2)
    assert np.allclose(reference.run(graph(cells, steps), x), x / 255 @ weights.astype(float).T)


def test_operators_that_the_interpreter_of_the_other_tests_lacks():
    x = images(2, 4, 4, 2)
    steps = [Step("RELU_0_TO_1", [0], [1]), Step("SQUEEZE", [1], [2])]
    found = reference.run(
        graph([Cell(), Cell(), Cell()], steps),
        x,
    )
    assert np.allclose(found, x / 255)
    wide = reference.run(graph([Cell(), Cell(), Cell()], steps, images=Images(scale=0.01, offset=-1.0)), x)
    assert np.allclose(wide, np.clip(x * 0.01 - 1, 0, 1))


SCORES = [Cell(shape=(1, 5)), Cell(shape=(1, 5)), Cell(shape=(1, 5)), Cell("<i8", (1,)), constant(np.int32(1))]
RELU, SOFTMAX, ARG_MAX = Step("RELU", [0], [1]), Step("SOFTMAX", [1], [2], {"beta": 1.0}), Step("ARG_MAX", [2, 4], [3])


def test_what_ranks_the_scores_is_left_out():
    made = graph(SCORES, [RELU, SOFTMAX, ARG_MAX])
    assert made.meta["left_out"] == "SOFTMAX, ARG_MAX"
    x = images(3, 5)
    assert np.allclose(reference.run(made, x), x / 255)


@pytest.mark.parametrize(
    ("cells", "steps", "words"),
    [
        (SCORES, [RELU, replace(SOFTMAX, options={"beta": -1.0})], "operator 1 (SOFTMAX): beta is -1.0, expected"),
        (SCORES, [RELU, replace(SOFTMAX, options={"beta": float("nan")})], "operator 1 (SOFTMAX): beta is nan"),
        ([*SCORES[:4], constant(np.int32(0))], [RELU, SOFTMAX, ARG_MAX], "operator 2 (ARG_MAX): ranks axis [0], exp"),
    ],
)
def test_what_ranks_something_else_is_refused(cells, steps, words):
    with pytest.raises(UnsupportedError) as caught:
        graph(cells, steps)
    assert words in str(caught.value)


BITS = [
    Cell(shape=(1, 4, 4, 2)), Cell("<i4", (1, 4, 4, 1)), constant(np.int32([[[[3]]]] * 2)),
    constant(np.float32([1, -2])), constant(np.float32([0.5, 0])), Cell(shape=(1, 4, 4, 2)),
]  # fmt: skip
QUANTIZE, CONV = Step("LceQuantize", [0], [1]), Step("LceBconv2d", [1, 2, 3, 4, -1], [5], BCONV)


def bits(**changed: Cell) -> list[Cell]:
    return [changed.get(f"at{index}", cell) for index, cell in enumerate(BITS)]


def option(**changed: int) -> Step:
    return replace(CONV, options=BCONV | changed)


def test_a_binary_convolution_is_its_sum_of_products():
    """Both weights of a filter are -1, 3 in bits: the sum of inputs of +1 is -2, times and plus one number per filter."""
    found = reference.run(graph(BITS, [QUANTIZE, CONV]), images(2, 4, 4, 2))
    assert np.array_equal(found, np.broadcast_to([-2 + 0.5, 4.0], found.shape))


REFUSED = {
    "channels": (BITS, option(channels_in=3), FormatError, "channels_in is 3, the input has 2 channels"),
    "pad value": (BITS, option(pad_values=2), FormatError, "pad_values is 2, expected 0 or 1"),
    "padding": (BITS, option(padding=2), FormatError, "padding is 2, expected 0 (SAME) or 1 (VALID)"),
    "stride": (BITS, option(stride_width=0), FormatError, "stride_width is 0, expected at least 1"),
    "dilation": (BITS, option(dilation_height_factor=-1), FormatError, "dilation_height_factor is -1, expected at least 1"),
    "activation": (BITS, option(fused_activation_function=4), UnsupportedError, "activation TANH"),
    "bits behind": (
        bits(at2=constant(np.int32([[[[7]]]] * 2))), CONV, FormatError, "tensor 2 't2': has bits behind its last channel 1"
    ),
    "no words": (bits(at2=constant(np.zeros((2, 1, 1, 0), np.int32))), CONV, FormatError, "expected filters [O, KH, KW"),
    "words": (
        bits(at2=constant(np.zeros((2, 1, 1, 2), np.int32))), CONV, FormatError, "has 2 words for each place, the input 1"
    ),
    "filters": (bits(at3=constant(np.float32([1]))), CONV, FormatError, "input 2 is float32[1], expected float32[2]"),
    "NaN": (bits(at4=constant(np.float32([0, np.nan]))), CONV, FormatError, "tensor 4 't4': is nan, at [1]"),
    "left out": (BITS, replace(CONV, inputs=[1, 2, -1, 4, -1]), FormatError, "operator 1 (LceBconv2d): input 2 is missing"),
    "real input": (BITS, replace(CONV, inputs=[0, 2, 3, 4, -1]), FormatError, "'t0' is of type float32, expected bits"),
    "shape": (bits(at5=Cell(shape=(1, 3, 4, 2))), CONV, FormatError, "[1, 4, 4, 2], tensor 5 't5' states [1, 3, 4, 2]"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_impossible_binary_convolutions_are_refused(name):
    cells, step, kind, words = REFUSED[name]
    with pytest.raises(kind) as caught:
        graph(cells, [QUANTIZE, step])
    assert words in str(caught.value)


EIGHT = Cell("i1", (1, 4, 4, 2), None, (0.5,), (0,))
FILTERS = constant(np.ones((3, 1, 1, 2), np.int8), scale=[0.1] * 3)
CONV8 = Step("CONV_2D", [0, 1], [2], {"stride_height": 1, "stride_width": 1})


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([EIGHT, replace(FILTERS, scale=[0.1] * 2, axis=3), replace(EIGHT, shape=(1, 4, 4, 3))], "has scales along axis 3"),
        ([EIGHT, replace(FILTERS, zero=[0, 1, 0]), replace(EIGHT, shape=(1, 4, 4, 3))], "8-bit weight with a zero point"),
        (
            [Cell(), FILTERS, Cell(shape=(1, 4, 4, 3))],
            "float32 input and int8 weights, whose ranges are found while it runs",
        ),
        ([EIGHT, FILTERS, replace(EIGHT, shape=(1, 4, 4, 3), scale=())], "is computed and has 0 scales, expected one"),
        ([EIGHT, replace(FILTERS, scale=()), replace(EIGHT, shape=(1, 4, 4, 3))], "is of type int8, expected float32, or"),
    ],
)
def test_8_bit_weights_are_checked(cells, words):
    with pytest.raises((FormatError, UnsupportedError)) as caught:
        graph(cells, [CONV8])
    assert words in str(caught.value)


def test_constants_that_many_operators_read_are_counted_each():
    """A file of some kilobytes must not become gigabytes."""
    cells = [Cell(shape=(1, 256)), constant(np.ones((256, 256), np.float32)), *(Cell(shape=(1, 256)) for _ in range(40))]
    steps = [Step("FULLY_CONNECTED", [index + 1 if index else 0, 1], [index + 2], NONE) for index in range(40)]
    data = model(cells, steps)
    assert to_graph(parse(data)).nodes
    with pytest.raises(FormatError, match="what the constants take in memory"):
        to_graph(parse(data), limits=replace(DEFAULT, total_bytes=2**25))

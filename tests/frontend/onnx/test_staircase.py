"""Thresholds found by bisection give the evaluator's codes: on any number, exactly on a step, and one number beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from neurobin.errors import UnsupportedError
from neurobin.frontend.limits import DEFAULT
from neurobin.frontend.onnx.convert import chains
from neurobin.frontend.onnx.convert.conversion import Conversion
from neurobin.frontend.onnx.convert.staircase import MAX_LEVELS, staircase
from neurobin.frontend.onnx.convert.values import BATCH, Chain, Flow, Step
from neurobin.frontend.onnx.domains import QONNX, STANDARD
from neurobin.frontend.onnx.evaluate import execute_on
from neurobin.frontend.onnx.model import Call
from neurobin.ir import FLOAT32, Builder, Graph, TensorType
from neurobin.ops.affine import Affine
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.sign import Sign

MODES = ("ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "ROUND_TO_ZERO", "round")
CHANNELS = 3
FLOAT, DOUBLE, INT32 = (np.dtype(kind) for kind in ("float32", "float64", "int32"))


def step(op: str, *constants: object, domain: str = STANDARD, kind: np.dtype = FLOAT, **attributes: object) -> Step:
    """An operator behind what is computed, with constants of a type."""
    call = Call(op.lower(), op, domain, 1 if domain else 13, ("x", *("c",) * len(constants)), ("",), attributes)
    return Step(call, 0, (None, *(np.asarray(c, c.dtype if isinstance(c, np.ndarray) else kind) for c in constants)))


def quant(scale: object, zero: object, bits: int, signed: int, narrow: int, mode: str) -> Step:
    attributes = {"signed": signed, "narrow": narrow, "rounding_mode": mode}
    return step("Quant", np.float32(scale), zero, float(bits), domain=QONNX, **attributes)


def written(kind: np.dtype, *steps: Step) -> Graph:
    """The chain of steps on numbers [CHANNELS] of `kind`, as a graph."""
    c = Conversion(Builder({"x": TensorType((CHANNELS,), FLOAT32)}), DEFAULT, chains.write)
    flow = chains.write(c, Chain(Flow("x", (BATCH, 0), (CHANNELS,), 1, kind), steps))
    return c.builder.graph(flow.name)


def places(graph: Graph, drawn: np.ndarray) -> np.ndarray:
    """[M, CHANNELS] of the type of `drawn`: those numbers, every threshold and its neighbours on either side, and zeros.

    Thresholds are taken back through a scale in front of them, a power of two.
    """
    numbers, factor, kind = [drawn, np.zeros(1, drawn.dtype)], np.ones(1), drawn.dtype
    if kind.kind == "f":
        most = np.finfo(kind).max / 16
        numbers.append(np.array([-0.0, most, -most, np.finfo(kind).tiny], kind))
    for node in graph.nodes:
        if isinstance(node.op, Affine):
            factor = factor * node.op.scale.values
        if isinstance(node.op, Sign | MultiThreshold):
            levels = node.op.thresholds.values if isinstance(node.op, MultiThreshold) else node.op.threshold.values[:, None]
            steps = (np.clip(levels, -1e30, 1e30) / np.broadcast_to(factor, CHANNELS)[:, None]).reshape(-1)
            steps = steps[np.abs(steps) < 1e9 if kind.kind == "i" else np.abs(steps) < 1e28].astype(kind)
            if kind.kind == "f":
                beside = [np.nextafter(steps, kind.type(-np.inf)), steps, np.nextafter(steps, kind.type(np.inf))]
            else:
                beside = [steps - 1, steps, steps + 1]
            numbers += beside
            break
    found = np.concatenate(numbers)
    if not (factor == 1).all():  # a denormal number times a half is 0 in float32, and not in float64
        found = found[(found == 0) | (np.abs(found) > 1e-30)]
    return found[:, None].repeat(CHANNELS, 1)


def assert_agree(kind: np.dtype, steps: tuple[Step, ...], drawn: list[float]) -> Graph:
    """The graph's last codes, scaled, are the evaluator's results: float32 rounding apart, the same levels."""
    graph = written(kind, *steps)
    values = places(graph, np.array(drawn, kind))
    wanted = values
    for one in steps:
        operands = list(one.operands)
        operands[one.place] = wanted
        wanted = execute_on(one.call, operands)[0]
    found = values.astype(np.float64)
    for node in graph.nodes:
        found = node.op.reference(found)
    levels = [np.unique(column) for column in wanted.T]
    gap = np.array([np.diff(column).min() if len(column) > 1 else 1.0 for column in levels])
    wrong = np.abs(found - wanted) > gap / 4  # another level, not another rounding of the same
    assert not wrong.any(), f"at {values[wrong][:4]!r}: {found[wrong][:4]} for {wanted[wrong][:4]}"
    assert np.allclose(found, wanted, rtol=1e-6, atol=0)
    return graph


widths = st.tuples(st.integers(1, 8), st.sampled_from([0, 1]), st.sampled_from([0, 1])).filter(
    lambda w: w[1] or not w[2] or w[0] > 1  # unsigned and narrow leaves one code of one bit
)
floats = st.lists(st.floats(-300, 300, width=32), min_size=1, max_size=30)
whole = st.lists(st.integers(-(2**29), 2**29) | st.integers(-300, 300), min_size=1, max_size=30)
scales = st.floats(2**-6, 8, width=32)
powers = st.integers(-5, 3).map(lambda e: 2.0**e)


@settings(max_examples=150, deadline=None)
@given(widths, st.sampled_from(MODES), scales | powers, st.integers(-5, 5), floats)
def test_every_rounding_mode_and_width(width, mode, scale, zero, drawn):
    zero = 0 if width[0] == 1 else zero
    assert_agree(FLOAT, (quant(scale, float(zero), *width, mode),), drawn)


@settings(max_examples=60, deadline=None)
@given(widths, st.sampled_from(MODES), st.lists(scales, min_size=CHANNELS, max_size=CHANNELS), floats)
def test_a_scale_per_channel(width, mode, scale, drawn):
    assert_agree(FLOAT, (quant(scale, 0.0, *width, mode),), drawn)


@settings(max_examples=60, deadline=None)
@given(widths, st.sampled_from(MODES), st.lists(powers | powers.map(lambda p: -p), min_size=CHANNELS, max_size=CHANNELS),
       scales, floats)  # fmt: skip
def test_factors_of_either_sign_in_front(width, mode, factors, scale, drawn):
    """Powers of two, by which float32 and float64 multiply alike: the factor keeps an op of its own."""
    graph = assert_agree(FLOAT, (step("Mul", np.float32(factors)), quant(scale, 0.0, *width, mode)), drawn)
    assert isinstance(graph.nodes[0].op, Affine)


@settings(max_examples=60, deadline=None)
@given(widths, st.sampled_from(MODES), st.lists(st.floats(-2, 2, width=32).filter(lambda f: abs(f) > 1e-4),
       min_size=CHANNELS, max_size=CHANNELS), st.floats(-50, 50, width=32), scales, whole)  # fmt: skip
def test_sums_of_whole_numbers_are_rescaled_in_float32_to_the_last_bit(width, mode, factors, shift, scale, drawn):
    """Behind ConvInteger: any factors, since thresholds lie between whole numbers and swallow the float32 arithmetic."""
    steps = (
        step("Cast", to=1), step("Mul", np.float32(factors)), step("Add", np.float32(shift)), step("LeakyRelu", alpha=0.125),
        quant(scale, 0.0, *width, mode),
    )  # fmt: skip
    graph = assert_agree(INT32, steps, drawn)
    assert isinstance(graph.nodes[0].op, MultiThreshold | Sign)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([np.uint8, np.int8]), st.integers(0, 127), scales, floats)
def test_quantize_linear_with_any_zero_point(kind, zero, scale, drawn):
    there = step("QuantizeLinear", np.float32(scale), np.array(zero, kind), axis=1)
    back = step("DequantizeLinear", np.float32(scale), np.array(zero, kind), axis=1)
    assert_agree(FLOAT, (there, back), drawn)
    assert_agree(FLOAT, (there,), drawn)


@settings(max_examples=40, deadline=None)
@given(st.lists(scales, min_size=CHANNELS, max_size=CHANNELS), st.lists(st.integers(-9, 9), min_size=CHANNELS,
       max_size=CHANNELS), floats)  # fmt: skip
def test_quantize_linear_along_the_channels(scale, zero, drawn):
    parameters = (np.float32(scale), np.array(zero, np.int8))
    steps = (step("QuantizeLinear", *parameters, axis=1), step("DequantizeLinear", *parameters, axis=-1))
    assert_agree(FLOAT, steps, drawn)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["Greater", "GreaterOrEqual", "Less", "LessOrEqual"]), st.floats(-3, 3, width=32), st.booleans(), floats
)
def test_comparisons_with_the_constant_on_either_side(op, level, left, drawn):
    compared = step(op, np.float32(level))
    if left:
        compared = Step(compared.call, 1, compared.operands[::-1])
    assert_agree(FLOAT, (compared, step("Where", np.float32(-1), np.float32(1))), drawn)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.floats(-9, 9, width=32), min_size=4, max_size=4), min_size=1, max_size=1), powers, floats)
def test_multi_threshold_counts_in_any_order(levels, scale, drawn):
    attributes = {"out_scale": scale, "out_bias": -1.0, "out_dtype": "UINT4", "data_layout": "NC"}
    assert_agree(FLOAT, (step("MultiThreshold", np.float32(levels), domain=QONNX, **attributes),), drawn)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 250), st.lists(st.floats(-3, 3), min_size=1, max_size=20))
def test_float64_models_step_at_float64_numbers(steps, drawn):
    assert_agree(DOUBLE, (step("Clip", -1.0, 1.0, kind=DOUBLE), step("Mul", steps / 2, kind=DOUBLE), step("Round")), drawn)


@pytest.mark.parametrize("x", [0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38])
def test_signs_at_zero_and_next_to_it(x):
    for steps in ((step("BipolarQuant", np.float32(1), domain=QONNX),), (step("Sign"),),
                  (step("Sign"), step("Add", np.float32(0.1)), step("Sign"))):  # fmt: skip
        assert_agree(FLOAT, steps, [x])


def test_whole_numbers_that_the_file_clips_are_codes():
    graph = assert_agree(FLOAT, (step("Clip", 0.0, 15.0), step("Round"), step("Cast", to=2), step("Cast", to=1)), [3.5, 20])
    assert graph.types[graph.output].dtype.high == 15


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x, c: np.select([x < 0, x < 1], [1.0, 0.0], 2.0), "rises and falls"),
        (lambda x, c: np.round(np.clip(x, 0, MAX_LEVELS)), f"more than {MAX_LEVELS} levels"),
        (lambda x, c: np.where(x > 3, np.nan, 1.0), "NaN"),
        (lambda x, c: np.where(x > 3, np.inf, 1.0), "gives infinity"),
        (lambda x, c: np.select([x < 0, x < 1], [0.0, 1.0], np.pi), "not multiples of one scale"),
    ],
)
def test_what_has_no_thresholds_is_refused(function, message):
    with pytest.raises(UnsupportedError, match=message):
        staircase(function, 1)


def test_256_levels_are_not_too_many():
    found = staircase(lambda x, c: np.round(np.clip(x, 0, MAX_LEVELS - 1)), 1)
    assert found.thresholds.shape == (1, MAX_LEVELS - 1)

"""Every kernel computes, from the bytes of arena and flash, what the reference engine says."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mcu.choose import Prefer
from hwmodels.mcu.kernels import ELEMENTWISE, HEADS
from hwmodels.mcu.kernels.layer import Layer
from hwmodels.mcu.kernels.popcount import extract, swar_popcount
from hwmodels.mcu.kernels.site import Site
from hwmodels.mcu.kernels.window import inside, reads, taps
from hwmodels.mcu.layout import layout_of, pack_words
from neurobin.exec import reference
from neurobin.ir import BINARY, BIPOLAR, FLOAT64, TERNARY, Constant, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_names
from neurobin.ops._window import Window
from tests.hwmodels.mcu.test_layout import members
from tests.hwmodels.mcu.test_map import mcu
from tests.networks import Random

CHANNELS = (1, 3, 8, 16, 31, 32, 33, 63, 64, 65)
ACTIVATIONS = (BIPOLAR, TERNARY, BINARY, u(2), u(4), i(3), DType(Encoding.BIPOLAR, 2), u(8), i(8), i(16), u(16), i(20))
WEIGHTS = (BIPOLAR, TERNARY, BINARY, i(2), i(4), DType(Encoding.BIPOLAR, 2), i(8), i(16))


def agree(graph: Graph, count: int = 3) -> None:
    """The cheapest kernels and every other one that can serve."""
    kind = graph.inputs[graph.input]
    x = members(kind.dtype, (count, *kind.shape))
    expected, seen = reference.run(graph, x), set()
    for prefer in get_args(Prefer):
        target = mcu("stm32h7a3", prefer)
        mapping = target.map(graph)
        heads = tuple(kernel.head.name for kernel in mapping.kernels if kernel.head is not None)
        if heads not in seen:
            seen.add(heads)
            assert np.array_equal(target.execute(mapping, x), expected), heads


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_convolutions(data: st.DataObject) -> None:
    draw = data.draw
    groups = draw(st.sampled_from((1, 1, 2, 3)), "groups")
    depth, share = draw(st.sampled_from(CHANNELS), "depth"), draw(st.sampled_from((1, 5, 33)), "outputs per group")
    activation, weight = draw(st.sampled_from(ACTIVATIONS), "activation"), draw(st.sampled_from(WEIGHTS), "weight")
    side = st.integers(0, 2)
    pad_value = draw(st.sampled_from((0, 1, -1)), "pad value")
    b = Random(
        draw(st.integers(0, 99)), TensorType((draw(st.integers(5, 7)), draw(st.integers(5, 6)), depth * groups), activation)
    )
    op = draw(st.sampled_from(("bit_conv2d", "int_conv2d")))
    x = b.op(
        op,
        "image",
        weight=b.weight(weight, share * groups, draw(st.integers(1, 3)), draw(st.integers(1, 3)), depth),
        padding=draw(st.tuples(side, side, side, side), "padding"),
        stride=(draw(st.integers(1, 3)), draw(st.integers(1, 2))),
        dilation=draw(st.sampled_from(((1, 1), (1, 1), (2, 1), (1, 2))), "dilation"),
        pad_value=pad_value if activation.holds(np.array([pad_value])) else 0,
        groups=groups,
    )
    agree(b.graph(x))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("weight", WEIGHTS, ids=str)
def test_dense_products_of_all_types(activation: DType, weight: DType) -> None:
    for features in (7, 33, 96):
        b = Random(features, TensorType((features,), activation))
        agree(b.graph(b.op("bit_dense", "image", weight=b.weight(weight, 35, features))))


@pytest.mark.parametrize("dtype", ACTIVATIONS, ids=str)
@pytest.mark.parametrize("channels", [1, 4, 32, 33, 64])
def test_heads_that_pool_and_move(dtype: DType, channels: int) -> None:
    image = TensorType((5, 4, channels), dtype)
    ops: list[tuple[str, dict[str, object]]] = [
        ("max_pool2d", {"kernel": (2, 2), "stride": (2, 1), "padding": (1, 0, 1, 1)}),
        ("max_pool2d", {"kernel": (2, 2), "stride": (1, 1), "dilation": (2, 2)}),
        ("sum_pool2d", {"kernel": (3, 2), "stride": (2, 2), "padding": (1, 1, 0, 0)}),
        ("channel_sum", {}),
        ("slice", {"start": channels // 2, "stop": channels}),
        ("channel_shuffle", {"groups": 4 if channels % 4 == 0 else 1}),
        ("pad", {"padding": (1, 0, 2, 1), "value": 1}),
        ("pad", {"padding": (0, 1, 0, 0), "value": 0}),
        ("flatten", {}),
        ("flatten", {"channels_first": True}),
        ("reshape", {"shape": (4, 5 * channels)}),
    ]
    for name, attributes in ops:
        b = Random(channels, image)
        agree(b.graph(b.op(name, "image", **attributes)))


@pytest.mark.parametrize("dtype", ACTIVATIONS, ids=str)
def test_element_wise_chains_from_memory(dtype: DType) -> None:
    """Heads that are element-wise themselves, behind views, with broadcast gates and two reads of one tensor."""
    b = Random(3, TensorType((4, 3, 33), dtype))
    x = b.op("add", "image", "image")
    gate = b.op("sum_pool2d", x, kernel=(4, 3), stride=(4, 3))
    x = b.op("multiply", x, gate, shift=3, dtype=i(16))
    x = b.op("prelu", x, slope=Constant(i(8), b.rng.integers(-99, 99, 33)), shift=6)
    y = b.op("multiply", b.op("relu", x), b.op("channel_sum", "image"), shift=2, dtype=i(24))
    x = b.op("concat", b.sign(y, TERNARY), b.sign(b.op("abs", x), TERNARY))
    x = b.op("reshape", x, shape=(6, 2, 66))
    x = b.op("requantise", x, multiplier=Constant(i(30), [1 << 28]), bias=Constant(i(40), [-5]), shift=20, dtype=i(9))
    x = b.op("flatten", x)
    agree(b.graph(b.op("arg_max", x)))


@pytest.mark.parametrize("dtype", [BIPOLAR, BINARY], ids=str)
@pytest.mark.parametrize("kind", ["xnor", "or", "and"])
@pytest.mark.parametrize("channels", [1, 3, 32, 33, 64])
def test_logic_on_words_and_on_bytes(dtype: DType, kind: str, channels: int) -> None:
    b = Random(channels, TensorType((4, 3, channels), dtype))
    other = b.op(
        "channel_shuffle", b.op("max_pool2d", "image", kernel=(3, 1), stride=(1, 1), padding=(1, 0, 1, 0)), groups=1
    )
    x = b.op("logic", "image", other, kind=kind)
    agree(b.graph(b.op("logic", b.op("flatten", x), b.op("flatten", "image"), kind=kind)))


@pytest.mark.parametrize("dtype", [BIPOLAR, TERNARY, u(2), u(8), i(8), DType(Encoding.BIPOLAR, 2, (3, 1))], ids=str)
@pytest.mark.parametrize("rows", [1, 33])
def test_tables_and_factors_of_positions(dtype: DType, rows: int) -> None:
    """From memory and in a chain; the table's values take one byte, two bytes and, as bits, planes."""
    entries = dtype.high - dtype.low + 1
    for to in (i(8), u(16), i(30), BIPOLAR):
        b = Random(rows, TensorType((4, 3, 33), dtype))
        x = b.op("lookup", "image", table=b.weight(to, rows, entries), low=dtype.low)
        x = b.op("position_scale", x, factor=b.weight(i(16), 4, 3))
        x = b.op("add", x, b.op("position_scale", "image", factor=b.weight(i(4), 4, 3)))
        x = b.op("requantise", x, multiplier=Constant(i(9), [200]), bias=Constant(i(2), [0]), shift=20, dtype=i(8))
        agree(b.graph(b.op("flatten", b.op("lookup", x, table=b.weight(u(8), 1, 256), low=-128))))


def test_view_before_element_wise_nodes() -> None:
    b = Random(5, TensorType((2, 3, 40), BIPOLAR))
    x = b.op("flatten", "image")
    x = b.op("requantise", x, multiplier=Constant(i(9), b.rng.integers(-200, 200, 240)), bias=Constant(i(9), [7]),
             shift=1, dtype=i(8))  # fmt: skip
    agree(b.graph(b.sign(x)))


def test_sign_with_fractional_threshold() -> None:
    b = Random(5, TensorType((4, 4, 3), i(8)))
    agree(b.graph(b.op("sign", "image", threshold=Constant(FLOAT64, [-0.5, 0.0, 3.25]))))


def test_every_integer_op_has_a_kernel() -> None:
    """Ops without one work on real values only: they are lowered away before deployment."""
    real = {"affine", "avg_pool2d", "batch_norm", "clip", "conv2d", "dense", "quantize", "sigmoid"}
    assert set(op_names()) - set(HEADS) - set(ELEMENTWISE) == real


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50))
@settings(max_examples=30, deadline=None)
def test_swar_sequence_counts_bits(values: list[int]) -> None:
    words = np.array(values, dtype=np.uint32)
    assert np.array_equal(swar_popcount(words), np.bitwise_count(words))


@given(st.integers(1, 100), st.integers(0, 70), st.integers(1, 70))
@settings(max_examples=60, deadline=None)
def test_extracted_groups(channels: int, first: int, count: int) -> None:
    first = min(first, channels - 1)
    count = min(count, channels - first)
    bits = np.random.default_rng(channels).integers(0, 2, (2, channels))
    assert np.array_equal(extract(pack_words(bits), first, count), pack_words(bits[:, first : first + count]))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_visited_window_positions(data: st.DataObject) -> None:
    """The closed form equals the taps that execution visits, and those equal a count over all coordinates."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    side = st.integers(0, 2)
    window = Window(data.draw(pair), data.draw(pair), data.draw(st.tuples(side, side, side, side)), data.draw(pair))
    height, width = data.draw(st.integers(7, 9)), data.draw(st.integers(7, 9))
    source = layout_of(TensorType((height, width, 1), i(8)))
    result = layout_of(TensorType((*window.output((height, width, 1)), 1), i(8)))
    visited = [
        tap.columns.stop - tap.columns.start for row in range(result.grid[0]) for tap in taps(window, source, result, row)
    ]
    ones = np.ones((1, height, width, 1), dtype=np.int64)
    patches = window.patches(ones, 0)
    assert reads(window, source, result) == sum(visited) == patches.sum()
    assert inside(window, source, result) == patches.all(axis=(3, 4)).sum()


def test_variants() -> None:
    """How the operands of the direct kernel meet."""

    def variant(activation: DType, weight: DType, channels: int) -> str:
        b = Random(0, TensorType((3, 3, channels), activation))
        graph = b.graph(b.op("int_conv2d", "image", weight=b.weight(weight, 4, 3, 3, channels)))
        return Layer.of(Site.of(graph.nodes[0], graph.types)).variant

    assert variant(BIPOLAR, BIPOLAR, 32) == variant(u(4), TERNARY, 16) == "words"
    assert variant(u(8), BIPOLAR, 3) == variant(BIPOLAR, i(8), 64) == variant(BIPOLAR, BIPOLAR, 3) == "bits"
    assert variant(u(8), i(8), 3) == variant(i(16), i(4), 64) == "mac"

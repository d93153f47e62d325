"""The array's values: from the instruction program up to whole networks, always equal to the reference engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.bitserial.execute import bit_planes, run_array
from hwmodels.bitserial.schedule import wavefronts
from neurobin.exec import reference
from neurobin.ir import BINARY, BIPOLAR, TERNARY, Constant, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import i, u
from tests.hwmodels.bitserial.chips import target
from tests.networks import Random, binary_convnet, images

BIPOLAR2, BIPOLAR3 = DType(Encoding.BIPOLAR, 2), DType(Encoding.BIPOLAR, 3)
FREE = DType(Encoding.BIPOLAR, 2, (3, 1))
DTYPES = (BIPOLAR, BINARY, TERNARY, BIPOLAR2, BIPOLAR3, FREE, u(2), u(8), i(2), i(5), i(8))


def equal(graph: Graph, count: int = 5, **changes: float | str) -> bool:
    chip = target(**changes)
    x = images(graph, count)
    return np.array_equal(chip.execute(chip.map(graph), x), reference.run(graph, x))


def member_images(graph: Graph, count: int, seed: int) -> np.ndarray:
    """Random members of the input's type, which may have holes (bipolar)."""
    kind = graph.inputs[graph.input]
    values = np.arange(kind.dtype.low, kind.dtype.high + 1)
    values = values[[kind.dtype.holds(values[k : k + 1]) for k in range(len(values))]]
    return np.random.default_rng(seed).choice(values, (count, *kind.shape))


@given(
    lhs=st.tuples(st.integers(1, 8), st.booleans()),
    rhs=st.tuples(st.integers(1, 8), st.booleans()),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 150), st.integers(1, 9)),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_the_program_of_plane_pairs_multiplies_any_signed_or_unsigned_integers(
    lhs: tuple[int, bool], rhs: tuple[int, bool], shape: tuple[int, int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    m, k, n = shape

    def operand(rows: int, bits: int, signed: bool) -> np.ndarray:
        low = -(1 << (bits - 1)) if signed else 0
        return rng.integers(low, low + (1 << bits), (rows, k))

    a, b = operand(m, *lhs), operand(n, *rhs)
    pairs = wavefronts(lhs[0], rhs[0], lhs[1], rhs[1])
    planes = [bit_planes((v & (2**bits - 1)).astype(np.uint8), bits) for v, bits in ((a, lhs[0]), (b, rhs[0]))]
    sums = run_array(planes[0], planes[1], pairs, xnor=False)
    assert sums.dtype == np.int32
    assert np.array_equal(sums, a @ b.T)


def test_wavefronts_go_down_clear_once_and_double_once_per_wavefront() -> None:
    pairs = wavefronts(3, 2, True, False)
    assert [(p.lhs, p.rhs) for p in pairs] == [(2, 1), (2, 0), (1, 1), (1, 0), (0, 1), (0, 0)]
    assert [p.clear for p in pairs] == [True] + [False] * 5
    assert [p.shift for p in pairs] == [False, True, False, True, False, True]
    assert [p.negate for p in pairs] == [True, True, False, False, False, False]


@pytest.mark.parametrize("dpu", ["and", "xnor"])
@pytest.mark.parametrize("dtype", [BIPOLAR, TERNARY, BINARY, u(2), BIPOLAR2], ids=str)
def test_convolutional_networks_equal_the_reference(dtype: DType, dpu: str) -> None:
    assert equal(binary_convnet(dtype=dtype), dpu=dpu)


@pytest.mark.parametrize("pad_value", [-1, 0, 1])
@pytest.mark.parametrize("dpu", ["and", "xnor"])
def test_every_padding_of_bipolar_maps_is_exact(pad_value: int, dpu: str) -> None:
    assert equal(binary_convnet(3, size=6, channels=12, groups=3, pad_value=pad_value), dpu=dpu)


@given(
    x_dtype=st.sampled_from(DTYPES),
    w_dtype=st.sampled_from(DTYPES),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    padding=st.tuples(*[st.integers(0, 2)] * 4),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    groups=st.integers(1, 3),
    share=st.tuples(st.integers(1, 40), st.integers(1, 9)),
    name=st.sampled_from(["bit_conv2d", "int_conv2d"]),
    dpu=st.sampled_from(["and", "xnor"]),
    entries=st.sampled_from([64, 1024]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=150, deadline=None)
def test_any_convolution_equals_the_reference(
    x_dtype: DType,
    w_dtype: DType,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    dilation: tuple[int, int],
    groups: int,
    share: tuple[int, int],
    name: str,
    dpu: str,
    entries: int,
    seed: int,
) -> None:
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = (max(size[0], reach[0]), max(size[1], reach[1]))
    b = Random(seed, TensorType((*size, groups * share[0]), x_dtype))
    pad_value = int(b.rng.choice([0, x_dtype.high]))
    weight = b.weight(w_dtype, groups * share[1], *kernel, share[0])
    y = b.op(name, "image", weight=weight, stride=stride, padding=padding, dilation=dilation, groups=groups,
             pad_value=pad_value)  # fmt: skip
    graph = b.graph(y)
    chip = target(dpu=dpu, buffers__lhs_entries=entries, buffers__rhs_entries=entries, buffers__bank=entries * 8)
    x = member_images(graph, 3, seed)
    assert np.array_equal(chip.execute(chip.map(graph), x), reference.run(graph, x))


@pytest.mark.parametrize("weight", [BIPOLAR, TERNARY, i(8)], ids=str)
@pytest.mark.parametrize("dpu", ["and", "xnor"])
def test_splitting_k_over_passes_changes_no_integer(weight: DType, dpu: str) -> None:
    b = Random(7, TensorType((700,), BIPOLAR))
    graph = b.graph(b.op("bit_dense", "image", weight=b.weight(weight, 5, 700)))
    chip = target(dpu=dpu, buffers__stripe_limit=2 * 64 * weight.bits)
    mapping = chip.map(graph)
    product = mapping.plan[0].product
    assert product is not None
    assert len(product.slices) == 6  # 11 K tiles, two at a time
    assert sum(run.k for run in product.slices) == 700
    x = member_images(graph, 4, 1)
    assert np.array_equal(chip.execute(mapping, x), reference.run(graph, x))


def test_accumulators_at_their_limit_do_not_overflow() -> None:
    """K is split before 255 * 255 * K reaches 2^31."""
    depth = 40_000
    b = Random(0, TensorType((depth,), u(8)))
    graph = b.graph(b.op("int_dense", "image", weight=Constant(u(8), np.full((2, depth), 255))))
    chip = target("bismo_8x256x8")
    mapping = chip.map(graph)
    x = np.full((2, depth), 255)
    assert np.array_equal(chip.execute(mapping, x), np.full((2, 2), 255 * 255 * depth))
    product = mapping.plan[0].product
    assert product is not None
    assert all(run.tiles_k * 256 * 255 * 255 < 2**31 for run in product.slices)


def residual(seed: int = 0) -> Graph:
    """Two shortcut blocks as deployed, with an 8-bit input to the last layer, and every op of the vector unit."""
    b = Random(seed, TensorType((7, 9, 3), u(8)))
    x = b.op("int_conv2d", "image", weight=b.weight(i(8), 8, 3, 3, 3), padding=(1, 1, 1, 1), stride=(2, 1))
    x = b.op("requantise", x, multiplier=Constant(i(16), b.rng.integers(-900, 900, 8)),
             bias=Constant(i(32), b.rng.integers(-99, 99, 8)), shift=9, dtype=i(16))  # fmt: skip
    y = b.op("bit_conv2d", b.sign(x), weight=b.weight(BIPOLAR, 8, 3, 3, 8), padding=(1, 1, 1, 1))
    y = b.op("prelu", y, slope=Constant(i(8), b.rng.integers(-100, 100, 8)), shift=5)
    x = b.op("add", x, y, dtype=i(16))
    gate = b.op("sum_pool2d", x, kernel=(4, 9), stride=(1, 1))
    gate = b.op("requantise", gate, multiplier=Constant(i(4), [3]), bias=Constant(i(4), [1]), shift=6, dtype=i(8))
    x = b.op("multiply", x, gate, shift=4, dtype=i(16))
    scale = b.op("channel_sum", b.op("abs", x))
    x = b.op("multiply", x, scale, shift=3, dtype=i(12))
    x = b.op("position_scale", x, factor=b.weight(i(4), *b.types[x].shape[:2]))
    x = b.op("requantise", x, multiplier=Constant(i(4), [3]), bias=Constant(i(4), [1]), shift=4, dtype=i(8))
    x = b.op("lookup", x, table=b.weight(i(8), 1, 260), low=-130)
    x = b.op("relu", x)
    a, c = b.op("slice", x, start=0, stop=6), b.op("slice", x, start=2, stop=8)
    x = b.op("channel_shuffle", b.op("concat", a, c), groups=3)
    x = b.op("pad", x, padding=(1, 0, 2, 1), value=-3)
    x = b.op("max_pool2d", x, kernel=(3, 2), stride=(2, 3), padding=(1, 0, 1, 1), dilation=(2, 1))
    x = b.op("sum_pool2d", x, kernel=(2, 2), stride=(1, 2), padding=(1, 1, 0, 0))
    x = b.op("requantise", x, multiplier=Constant(i(4), [5]), bias=Constant(i(4), [-2]), shift=8, dtype=i(8))
    x = b.op("flatten", x, channels_first=True)
    x = b.op("reshape", x, shape=(b.types[x].size,))
    x = b.op("int_dense", x, weight=b.weight(i(8), 10, b.types[x].size))
    return b.graph(b.op("arg_max", x))


@pytest.mark.parametrize("seed", range(4))
def test_every_op_of_the_vector_unit_equals_the_reference(seed: int) -> None:
    graph = residual(seed)
    x = images(graph, 9)
    assert equal(graph, 9)
    classes = reference.run(graph, x)
    logits = graph.with_nodes(graph.nodes[:-1], (graph.nodes[-2].name,))
    assert equal(logits, 9)
    assert classes.shape == (9, 1)


@pytest.mark.parametrize("dtype", [BIPOLAR, BINARY], ids=str)
@pytest.mark.parametrize("kind", ["xnor", "or", "and"])
def test_logic_of_single_bits(kind: str, dtype: DType) -> None:
    b = Random(4, TensorType((4, 3, 7), dtype))
    other = b.op("max_pool2d", "image", kernel=(3, 1), stride=(1, 1), padding=(1, 0, 1, 0))
    graph = b.graph(b.op("logic", "image", other, kind=kind))
    chip, x = target(), member_images(graph, 9, 0)
    assert np.array_equal(chip.execute(chip.map(graph), x), reference.run(graph, x))


def test_an_output_that_is_the_head_of_a_stage_and_an_empty_batch() -> None:
    graph = binary_convnet()
    assert equal(graph, 0)
    assert equal(graph, 70)  # more than one batch

"""Single linear layers of every kind on every back end give the reference's integers; `grid.py` says which."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from neurobin.exec import reference
from neurobin.exec.kernels import means, multipliers
from neurobin.exec.kernels.machine import Backend, available
from neurobin.exec.kernels.tile_weights import TILE_BYTES
from neurobin.exec.plan.plan import Plan
from neurobin.ir import BINARY, BIPOLAR, TERNARY, Builder, Constant, DType, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class
from tests.exec.kernels.grid import (
    ACTIVATIONS,
    AXES,
    BIPOLAR2,
    DEPTHWISE,
    WEIGHTS,
    Case,
    draw,
    drawn,
    mismatch,
    pairs,
    sample,
)
from tests.exec.small import on_every_back_end
from tests.ir.strategies import random_constant

CASES, SEED, FEWER = 200, 2, 120
FULL = [
    ("activation", "weight"), ("activation", "groups"), ("weight", "groups"), ("activation", "kernel"), ("kernel", "stride"),
    ("padding", "stride"), ("activation", "pad_value"),
]  # fmt: skip
ALMOST_ALL = 3700  # of 4300 pairs, some of which cannot be


@cache
def cases() -> list[Case]:
    return sample(CASES, SEED)


def can_be(first: object, second: object) -> bool:
    """Whether a type has a value to pad with."""
    return not (isinstance(first, DType) and isinstance(second, int)) or second == 0 or first.holds(np.array([second]))


def test_the_cases_cover_every_value_and_almost_every_pair() -> None:
    for name, values in AXES.items():
        assert {getattr(case, name) for case in cases()} >= set(values), name
    for first, second in FULL:
        seen = {(getattr(case, first), getattr(case, second)) for case in cases()}
        wanted = {pair for pair in product(AXES[first], AXES[second]) if second != "pad_value" or can_be(*pair)}
        assert wanted <= seen, (first, second)
    assert len(set().union(*map(pairs, cases()))) > ALMOST_ALL


@on_every_back_end
def test_a_layer_gives_the_references_integers(backend: Backend) -> None:
    wrong = [found for case in cases() if (found := mismatch(case, backend))]
    assert not wrong, "\n".join(wrong)


@on_every_back_end
def test_a_layer_on_a_map_of_one_column(backend: Backend) -> None:
    rng = np.random.default_rng(0)
    shape = {"padding": "same", "stride": (1, 1), "dilation": (1, 1)}
    found = [
        draw(rng, size=(rows, 1), kernel=kernel, **shape) for rows, kernel in product((1, 2, 3, 4, 5), ((3, 3), (5, 5)))
    ]
    wrong = [text for case in found if (text := mismatch(case, backend))]
    assert not wrong, "\n".join(wrong)


@on_every_back_end
def test_widths_of_maps(backend: Backend) -> None:
    """Tiles of as many rows as a line of outputs has, of half of one, or of none such, with lines of borders between."""
    rng = np.random.default_rng(0)
    shape = {"kernel": (3, 3), "dilation": (1, 1), "activation": BIPOLAR, "weight": BIPOLAR, "channels": 64, "outputs": 3}
    found = [
        draw(rng, size=(5, width), padding=padding, stride=stride, groups=1, **shape)
        for width in (7, 8, 9, 11, 13, 14, 15, 16, 17, 18, 20, 26, 28, 29, 32, 33)
        for padding, stride in (("same", (1, 1)), ("none", (1, 1)), ("same", (2, 2)))
    ]
    wrong = [text for case in found if (text := mismatch(case, backend))]
    assert not wrong, "\n".join(wrong)


@on_every_back_end
def test_many_images_of_one_output(backend: Backend) -> None:
    """Blocks of rows are images then; a window of 3x3 on one pixel reads its border, which is corrected."""
    rng = np.random.default_rng(0)
    shape = {"size": (1, 1), "stride": (1, 1), "dilation": (1, 1), "groups": 1, "channels": 65, "pad_value": 0}
    found = [
        draw(rng, batch=batch, threads=threads, kernel=kernel, padding=padding, activation=activation, **shape)
        for batch in (1, 2, 63, 64, 65, 130)
        for threads in (1, 2)
        for kernel, padding in (((1, 1), "none"), ((3, 3), "same"))
        for activation in (BIPOLAR, TERNARY, u(2), i(8))
    ]
    wrong = [text for case in found if (text := mismatch(case, backend))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("span", [4, 20, 64])
@on_every_back_end
def test_products_of_bytes_in_steps_of_any_length(backend: Backend, span: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no bits were ever counted."""
    if backend.name not in means.MEANS or means.MEANS[backend.name].bytes.tiles:
        pytest.skip("numpy has no steps, and those of tiles are of one length")
    monkeypatch.setitem(means.MEANS, backend.name, replace(means.MEANS[backend.name], most_planes=0))
    monkeypatch.setattr(multipliers.Vectors, "spans", (span,))
    wrong = [found for case in cases()[:FEWER] if (found := mismatch(case, backend))]
    assert not wrong, "\n".join(wrong)


@on_every_back_end
def test_bits_are_counted_wherever_they_can_be(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if counting cost nothing."""
    if backend.name not in means.MEANS:
        pytest.skip("numpy has one way only")
    monkeypatch.setitem(means.MEANS, backend.name, replace(means.MEANS[backend.name], most_planes=1 << 20))
    wrong = [found for case in cases()[:FEWER] if (found := mismatch(case, backend))]
    assert not wrong, "\n".join(wrong)


@pytest.fixture(params=["amx"])
def tiles(request: pytest.FixtureRequest) -> Backend:
    found = next((backend for backend in available() if backend.name == request.param), None)
    return found or pytest.skip("this CPU has no tiles")


def test_long_filters_in_parts(tiles: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the first-level cache held three tiles of weights: most layers pass in several parts."""
    monkeypatch.setattr(multipliers, "_WEIGHTS_AT_HAND", 3 * TILE_BYTES)
    monkeypatch.setattr(multipliers, "_FIRST_LEVEL", 8 * TILE_BYTES)
    wrong = [found for case in cases() if (found := mismatch(case, tiles))]
    assert not wrong, "\n".join(wrong)


def test_weights_kept_as_bits(tiles: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every layer had many weights; those that do not fill their steps stay bytes."""
    monkeypatch.setattr(multipliers, "_KEPT_AS_BITS", 1)
    rng = np.random.default_rng(3)
    found = [
        draw(rng, weight=BIPOLAR, groups=1, channels=channels, outputs=outputs)
        for channels, outputs in product((48, 63, 64, 65, 96, 128, 192), (1, 16, 33, 65, 100))
    ]
    wrong = [text for case in found if (text := mismatch(case, tiles))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("channels", "outputs"), [(520, 250), (512, 250)])
def test_a_layer_of_a_million_signs(channels: int, outputs: int, tiles: Backend) -> None:
    b = Builder({"x": TensorType((5, 4, channels), BIPOLAR)})
    weight = random_constant(BIPOLAR, (outputs, 3, 3, channels), 0)
    graph = b.graph(b.add(op_class("bit_conv2d")(weight=weight, padding=(1, 1, 1, 1)), "x"))
    x = np.random.default_rng(1).choice([-1, 1], (3, 5, 4, channels))
    assert np.array_equal(Plan(graph, tiles).run(x), reference.run(graph, x))


def matrix(features: int, outputs: int, activation: DType, weight: DType, how: str) -> Graph:
    b = Builder({"x": TensorType((features,), activation)})
    name = "bit_dense" if features % 2 else "int_dense"
    return b.graph(b.add(op_class(name)(weight=Constant(weight, drawn(weight, (outputs, features), how, features))), "x"))


MATRICES = [
    (64, 33, BIPOLAR, BIPOLAR), (65, 70, BINARY, TERNARY), (127, 16, TERNARY, BIPOLAR2), (128, 65, BIPOLAR2, BIPOLAR),
    (257, 1, u(2), u(2)), (300, 17, u(8), i(8)), (96, 15, i(8), i(8)), (513, 10, i(8), i(9)), (64, 9, u(15), BIPOLAR),
    (100, 64, i(16), i(16)), (1000, 129, BIPOLAR, TERNARY), (3072, 10, BIPOLAR, BIPOLAR),
]  # fmt: skip


@on_every_back_end
@pytest.mark.parametrize(("features", "outputs", "activation", "weight"), MATRICES, ids=str)
def test_matrix_products(features: int, outputs: int, activation: DType, weight: DType, backend: Backend) -> None:
    """Rows around one block of 64 and two, on one thread and two."""
    graph = matrix(features, outputs, activation, weight, "random")
    plan = Plan(graph, backend)
    x = drawn(activation, (257, features), "random", 1)
    expected = reference.run(graph, x)
    for rows in (1, 63, 64, 65, 129, 257):
        assert np.array_equal(plan.run(x[:rows], 1 + rows % 2), expected[:rows]), rows


@on_every_back_end
@pytest.mark.parametrize("name", ["matrix", "convolution"])
def test_layers_large_enough_to_keep_their_weights_as_bits(name: str, backend: Backend) -> None:
    """More than 2^19 weights of -1 and +1."""
    if name == "matrix":
        graph = matrix(1024, 520, i(8), BIPOLAR, "random")
    else:
        b = Builder({"x": TensorType((5, 6, 256), BIPOLAR)})
        weight = random_constant(BIPOLAR, (240, 3, 3, 256), 1)
        op = op_class("bit_conv2d")(weight=weight, padding=(1, 1, 1, 1), pad_value=-1)
        graph = b.graph(b.add(op, "x"))
    kind = graph.inputs["x"]
    x = drawn(kind.dtype, (65 if name == "matrix" else 3, *kind.shape), "random", 2)
    expected = reference.run(graph, x)
    plan = Plan(graph, backend)
    for count in (1, 16, 17, 65):
        assert np.array_equal(plan.run(x[:count], 1 + count % 2), expected[:count]), count


@cache
def longest(activation: DType, weight: DType) -> tuple[Graph, np.ndarray, np.ndarray]:
    """5 x 5 x 3072 taps at each end of the weights' range, activations at each end: the largest sums there are."""
    b = Builder({"x": TensorType((5, 5, 3072), activation)})
    filters = np.stack([np.full((5, 5, 3072), value) for value in (weight.low, weight.high)])
    filters = np.concatenate([filters, drawn(weight, (1, 5, 5, 3072), "ends", 1)])
    graph = b.graph(b.add(op_class("int_conv2d")(weight=Constant(weight, filters)), "x"))
    ends = [np.full((5, 5, 3072), value) for value in (activation.low, activation.high)]
    x = np.stack([*ends, drawn(activation, (5, 5, 3072), "ends", 2)])
    return graph, x, reference.run(graph, x)


LONGEST = [
    (BIPOLAR, BIPOLAR), (BIPOLAR, TERNARY), (BINARY, BIPOLAR2), (TERNARY, BIPOLAR), (u(8), BIPOLAR), (i(8), u(2)),
    (u(8), i(8)), (i(8), i(8)), (BIPOLAR, i(9)), (u(2), i(8)), (TERNARY, i(9)), (u(15), TERNARY), (u(15), i(9)),
    (i(16), i(16)),
]  # fmt: skip


@on_every_back_end
def test_sums_of_76800_products_at_the_ends_of_their_types(backend: Backend) -> None:
    """Where 16-bit accumulators of other engines overflow, and where some of 32 bits would."""
    wrong = []
    for activation, weight in LONGEST:
        graph, x, expected = longest(activation, weight)
        if not np.array_equal(Plan(graph, backend).run(x), expected):
            wrong.append(f"{activation} times {weight}")
    assert not wrong


def test_the_axes_are_those_that_matter() -> None:
    assert {str(dtype) for dtype in ACTIVATIONS} == {
        "bipolar", "binary", "ternary", "u2", "bipolar2", "u2<5,2>", "u8", "i8", "u15", "i16"
    }  # fmt: skip
    assert {str(dtype) for dtype in WEIGHTS} == {"bipolar", "ternary", "binary", "bipolar2", "u2", "i8", "i9", "i16"}
    assert DEPTHWISE in AXES["groups"]

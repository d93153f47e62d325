"""Operators on constants alone are computed, as numpy computes them; what they take is counted before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurobin.errors import FormatError
from neurobin.exec import reference
from neurobin.frontend.limits import DEFAULT
from neurobin.ir import BIPOLAR
from neurobin.ops.conv2d import Conv2d
from tests.frontend.tflite.build import Cell, Step, constant
from tests.frontend.tflite.small import IMAGES, NONE, REAL, graph

KERNEL = np.random.default_rng(1).normal(0, 1, (1, 1, 2, 3)).astype(np.float32)
WEIGHTS = [
    Cell(), constant(KERNEL), Cell(shape=(1, 1, 2, 3)), constant(np.int32([0, 1, 2])), Cell(shape=(1, 1, 1, 3)),
    Cell("<i4", (1, 1, 2, 1)), Cell(shape=(1, 1, 2, 3)), Cell(shape=(1, 1, 2, 3)), constant(np.int32([3, 0, 1, 2])),
    Cell(shape=(3, 1, 1, 2)), Cell(shape=(1, 4, 4, 3)),
]  # fmt: skip
XNOR = [
    Step("ABS", [1], [2]), Step("MEAN", [2, 3], [4], {"keep_dims": 1}), Step("LceQuantize", [1], [5]),
    Step("LceDequantize", [5], [6]), Step("MUL", [4, 6], [7], NONE), Step("TRANSPOSE", [7, 8], [9]),
    Step("CONV_2D", [0, 9], [10], {"stride_height": 1, "stride_width": 1}),
]  # fmt: skip


def test_weights_that_the_file_computes_are_bits_with_a_scale():
    found = graph(WEIGHTS, XNOR)
    conv = next(node.op for node in found.nodes if isinstance(node.op, Conv2d))
    assert conv.weight.dtype == BIPOLAR
    wanted = REAL @ (np.where(KERNEL >= 0, 1, -1) * np.abs(KERNEL).mean((0, 1, 2)))[0, 0]
    assert np.allclose(reference.run(found, IMAGES), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("at", "cell", "words"),
    [
        (3, constant(np.int32([0, 1, 4])), "operator 1 (MEAN): averages axes [0, 1, 4] of 4"),
        (3, constant(np.int32([0, 0, 1])), "operator 1 (MEAN): averages axes [0, 0, 1] of 4"),
        (4, Cell(shape=(1, 1, 1, 2)), "makes float32[1, 1, 1, 3], tensor 4 't4' states float32[1, 1, 1, 2]"),
        (5, Cell("<i4", (1, 1, 2, 2)), "operator 2 (LceQuantize): makes int32[1, 1, 2, 1]"),
        (6, Cell(shape=(1, 1, 2, 40)), "tensor 5 't5': int32[1, 1, 2, 1] does not hold bits of 40 channels"),
        (6, Cell(shape=(2**20, 1, 2, 3)), "numbers of the bits of tensor 5 't5' [1, 1, 2, 1], tensor 6 't6' states"),
        (7, Cell(shape=(1, 1, 2, 4)), "operator 4 (MUL): joins shapes [1, 1, 1, 3] and [1, 1, 2, 3], tensor 7 't7' states"),
        (7, Cell(shape=(1, 2**14, 2**14, 3)), "(MUL): the number of elements that it reads or makes is 805306368"),
        (8, constant(np.int32([3, 0, 1, 1])), "operator 5 (TRANSPOSE): puts axes in order [3, 0, 1, 1], of 4"),
    ],
)  # fmt: skip
def test_impossible_operators_on_constants_are_refused(at, cell, words):
    with pytest.raises(FormatError) as caught:
        graph([*WEIGHTS[:at], cell, *WEIGHTS[at + 1 :]], XNOR, limits=replace(DEFAULT, elements=2**40, tensor_bytes=2**40))
    assert words in str(caught.value)


def test_constants_that_a_file_computes_are_counted():
    limits = {"work": (20, "the number of elements computed"), "total_bytes": (40, "what the constants take in memory")}
    for name, (limit, words) in limits.items():
        with pytest.raises(FormatError, match=words):
            graph(WEIGHTS, XNOR, limits=replace(DEFAULT, **{name: limit}))


def test_reading_the_same_constant_again_and_again_counts():
    """A mean makes few numbers of many: a small file could ask for hours."""
    many, count = constant(np.ones(2**16, np.float32)), 100
    cells = [Cell(), many, constant(np.int32([0])), constant(np.float32(0)), Cell()]
    steps, total = [], 3
    for _ in range(count):
        cells += [Cell(shape=()), Cell(shape=())]
        mean, last, total = len(cells) - 2, total, len(cells) - 1
        steps += [Step("MEAN", [1, 2], [mean], {"keep_dims": 0}), Step("ADD", [last, mean], [total], NONE)]
    steps.append(Step("ADD", [0, total], [4], NONE))
    with pytest.raises(FormatError, match="the number of elements computed is 2097"):
        graph(cells, steps, limits=replace(DEFAULT, work=2**21 - 1))
    assert graph(cells[:7], [*steps[:2], Step("ADD", [0, 6], [4], NONE)]).nodes


@pytest.mark.parametrize(("value", "said"), [(np.nan, "is nan"), (np.inf, "is inf"), (1e-40, "is 1e-40, a")])
def test_constants_that_are_no_numbers_are_not_computed_with(value, said):
    """Signs of NaN would be bits like any others."""
    kernel = KERNEL.copy()
    kernel[0, 0, 1, 2] = value
    for op in ("LceQuantize", "ABS"):
        steps = [Step(op, [1], [5 if op == "LceQuantize" else 2]), *[step for step in XNOR if step.op != op]]
        with pytest.raises(FormatError, match=f"tensor 1 't1': {said}"):
            graph([WEIGHTS[0], constant(kernel), *WEIGHTS[2:]], steps)


@pytest.mark.parametrize("shape", [(), (2,), (3,), (2, 3)])
def test_constants_that_do_not_fit_each_other_are_refused(shape):
    cells = [Cell(), constant(np.float32([1, 2])), constant(np.float32([1, 2, 3])), Cell(shape=shape), Cell()]
    with pytest.raises(FormatError, match=r"operator 0 \(ADD\): joins shapes \[2\] and \[3\]"):
        graph(cells, [Step("ADD", [1, 2], [3], NONE), Step("ADD", [0, 3], [4], NONE)])


@pytest.mark.parametrize(("cell", "stated"), [(Cell(shape=(1,)), "float32[1]"), (Cell("<i4", (2,)), "int32[2]")])
def test_quantized_constants_are_made_real_in_the_shape_that_is_stated(cell, stated):
    cells = [Cell(), constant(np.int8([3, 5]), scale=(0.5,), zero=(1,)), Cell(shape=(2,)), Cell()]
    steps = [Step("DEQUANTIZE", [1], [2]), Step("ADD", [0, 2], [3], NONE)]
    assert np.allclose(reference.run(graph(cells, steps), IMAGES), REAL + np.float32([1, 2]))
    with pytest.raises(FormatError) as caught:
        graph([*cells[:2], cell, cells[3]], steps)
    assert str(caught.value) == f"operator 0 (DEQUANTIZE): makes float32[2], tensor 2 't2' states {stated}"

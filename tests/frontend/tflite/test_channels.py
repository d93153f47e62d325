"""Channels are split, put side by side and padded: beside numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurobin.errors import FormatError, UnsupportedError
from neurobin.exec import reference
from neurobin.frontend.limits import DEFAULT
from tests.frontend.tflite.build import Cell, Step, constant
from tests.frontend.tflite.small import IMAGES, NONE, REAL, graph

HALVES = [Cell(), constant(np.int32(3)), Cell(shape=(1, 4, 4, 1)), Cell(shape=(1, 4, 4, 1)), Cell()]
SPLIT = Step("SPLIT", [1, 0], [2, 3], {"num_splits": 2})
SWAPPED = Step("CONCATENATION", [3, 2], [4], {"axis": 3, **NONE})


def test_channels_are_split():
    assert np.allclose(reference.run(graph(HALVES, [SPLIT, SWAPPED]), IMAGES), REAL[..., ::-1])


@pytest.mark.parametrize(
    ("cells", "step", "kind", "words"),
    [
        ([HALVES[0], constant(np.int32(1)), *HALVES[2:]], SPLIT, UnsupportedError, "splits axis [1], which is not"),
        (HALVES, replace(SPLIT, options={"num_splits": 3}), FormatError, "2 channels into 3 parts, and makes 2 tensors"),
        ([Cell(shape=(1, 4, 4, 3)), *HALVES[1:]], SPLIT, FormatError, "splits 3 channels into 2 parts"),
        ([*HALVES[:3], Cell(shape=(1, 4, 4, 2)), HALVES[4]], SPLIT, FormatError, "makes shape [1, 4, 4, 1], tensor 3"),
    ],
)  # fmt: skip
def test_impossible_splits_are_refused(cells, step, kind, words):
    with pytest.raises(kind) as caught:
        graph(cells, [step, SWAPPED])
    assert words in str(caught.value)


def test_zeros_beside_channels_are_not_added():
    """MeliusNet adds to the last channels of a map: the file pads with zeros, the graph adds only those channels."""
    widths = constant(np.int32([[0, 0], [0, 0], [0, 0], [1, 0]]))
    cells = [*HALVES[:4], widths, Cell(), Cell()]
    found = graph(cells, [SPLIT, Step("PAD", [2, 4], [5]), Step("ADD", [0, 5], [6], NONE)])
    added = [found.types[node.name].channels for node in found.nodes if node.op.name == "add"]
    assert added == [1]
    wanted = REAL.copy()
    wanted[..., 1] += REAL[..., 0]
    assert np.allclose(reference.run(found, IMAGES), wanted)


def around(widths, kind="PAD", value=None, channels=2) -> tuple[list[Cell], list[Step]]:
    """A padding of channels by so many before and behind."""
    values = [] if value is None else [constant(np.asarray(value, np.float32))]
    cells = [Cell(shape=(1, 1, 1, channels)), constant(np.int32([[0, 0], [0, 0], [0, 0], widths])), *values]
    return [*cells, Cell(shape=(1, 1, 1, channels + sum(widths)))], [Step(kind, [*range(len(cells))], [len(cells)])]


@pytest.mark.parametrize(
    ("file", "kind", "words"),
    [
        (around((1, 0), "PADV2", 2.0), UnsupportedError, "with 2.0, expected 0 for channels"),
        (around((1, 0), "PADV2", []), FormatError, "(PADV2): pads with 0 numbers, expected one"),
        (around((1, 0), "PADV2", np.nan), FormatError, "is nan"),
        (around((2**13, 0), channels=1), FormatError, "how often its channels are padded is 8192, the limit list_length"),
        (around((2**13 + 1, -1), channels=1), UnsupportedError, "expected height, width and channels"),
        (around((2**22, 0)), FormatError, "the number of its elements is 4194306, the limit input_elements"),
        (
            ([Cell(shape=(1, 1, 1, 4)), Cell()], [Step("CONCATENATION", [0] * 4097, [1], SWAPPED.options)]),
            FormatError,
            "the number of its operands is 4097, the limit list_length is 4096",
        ),
        (
            (
                [Cell(shape=(1, 1, 1, 2**9)), constant(np.int32(3)), *[Cell(shape=(1, 1, 1, 1)) for _ in range(2**9)]],
                [Step("SPLIT", [1, 0], range(2, 2**9 + 2), {"num_splits": 2**9}), Step("MUL", [2, 3], [2**9 + 2], NONE)],
            ),
            FormatError,
            "the number of nodes is 301, the limit nodes is 300",
        ),
    ],
)  # fmt: skip
def test_small_files_do_not_make_large_graphs(file, kind, words):
    cells, steps = file
    with pytest.raises(kind) as caught:
        graph([*cells, Cell(shape=(1, 1, 1, 1))], steps, limits=replace(DEFAULT, nodes=300))
    assert words in str(caught.value)

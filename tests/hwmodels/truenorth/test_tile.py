"""Tiles: counted from rows and columns, they must hold what the windows really read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.truenorth.tile import Tile, choose, reach_of
from neurobin.ops._window import Window


@settings(max_examples=60, deadline=None)
@given(
    kernel=st.integers(1, 3), stride=st.integers(1, 2), padding=st.integers(0, 1), dilation=st.integers(1, 2),
    size=st.integers(5, 8),
)  # fmt: skip
def test_reach_is_what_windows_read(kernel: int, stride: int, padding: int, dilation: int, size: int) -> None:
    window = Window((kernel, kernel), (stride, stride), (padding,) * 4, (dilation, dilation))
    pixels = np.arange(size * size).reshape(1, size, size, 1)
    patches = window.patches(pixels, -1)[0].reshape(*window.output((size, size, 1)), -1)
    reach = reach_of(window, (size, size, 1), 1).tight()
    for y, rows in enumerate(reach.rows):
        for x, columns in enumerate(reach.columns):
            assert {r * size + c for r in rows for c in columns} == set(patches[y, x].tolist()) - {-1}


def test_the_published_tile_of_3x3_layers() -> None:
    """Eight inputs per group: 2x2 outputs read 4x4x8 inputs, twice: exactly 256 axons."""
    reach = reach_of(Window((3, 3), (1, 1), (1, 1, 1, 1), (1, 1)), (8, 8, 256), 8)
    assert choose(reach, np.full((8, 8, 32), 32), 2, 256, 256) == Tile(2, 2, 1)


def test_groups_share_cores_when_they_are_shallow() -> None:
    reach = reach_of(Window((2, 2), (2, 2), (0, 0, 0, 0), (1, 1)), (4, 4, 64), 1)
    assert choose(reach, np.ones((2, 2, 64), np.int64), 1, 256, 256) == Tile(1, 1, 64)


def test_an_output_that_no_core_holds() -> None:
    reach = reach_of(Window((1, 1), (1, 1), (0, 0, 0, 0), (1, 1)), (1, 1, 129), 129)
    with pytest.raises(ValueError, match="129 inputs"):
        choose(reach, np.ones((1, 1, 1), np.int64), 2, 256, 256)

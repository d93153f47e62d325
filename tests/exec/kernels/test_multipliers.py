"""Tiles run over outputs alone where whole tiles fit into a row of them and that is cheaper."""

from __future__ import annotations

import pytest

from neurobin.exec.kernels.geometry import Frame
from neurobin.exec.kernels.multipliers import _grid


def frame(size: int, kernel: int, padding: int, stride: int = 1) -> Frame:
    output = (size + 2 * padding - kernel) // stride + 1
    return Frame((kernel, kernel), (stride, stride), (padding,) * 4, (1, 1), (size, size), (output, output))


@pytest.mark.parametrize(
    ("window", "columns", "tile_rows"),
    [
        (frame(14, 3, 1), 14, 14),  # 14 tiles of 14 rows against 15 x 15 places
        (frame(28, 3, 1), 28, 14),  # two tiles to a row
        (frame(16, 3, 1), 16, 16),
        (frame(16, 3, 0), 14, 14),  # two columns in which no window fits
        (frame(28, 3, 1, 2), 14, 14),
        (frame(56, 3, 1), 57, 16),  # borders cost less than 5 %
        (frame(7, 3, 1), 8, 16),  # low tiles are no faster than those of nine rows
        (frame(17, 3, 1), 18, 16),  # a prime number of columns
        (frame(14, 1, 0), 14, 16),  # no borders
        (frame(1, 1, 0), 1, 16),
    ],
)
def test_the_places_that_rows_run_over(window: Frame, columns: int, tile_rows: int) -> None:
    (_, width), rows = _grid(window)
    assert (width, rows) == (columns, tile_rows)

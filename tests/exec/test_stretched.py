"""What stands behind a layer reads maps of its size and smaller ones that stretch, on maps of every kind of size: rows may
follow each other without gaps, a row may be one pixel, and a map too."""

from __future__ import annotations

from itertools import product

import pytest

from neurobin.exec.kernels.machine import Backend
from neurobin.ir import Graph
from neurobin.ir.dtype import i, u
from tests.exec.small import Network, check, on_every_back_end
from tests.ir.strategies import random_constant

SIZES = [(4, 5), (5, 1), (1, 5), (1, 1)]


def network(size: tuple[int, int], channels: int, window: tuple[int, int], one_channel: bool) -> Graph:
    """A layer, times sums over windows of the input, times a number for each position, plus the input."""
    b = Network(*size, channels, dtype=i(4))
    source = b.op("slice", "x", start=0, stop=1) if one_channel else "x"
    factor = b.op("sum_pool2d", source, kernel=window, stride=(1, 1)) if window != (1, 1) else source
    product_ = b.op("multiply", b.conv("x", channels), factor)
    scaled = b.op("position_scale", product_, factor=random_constant(u(8), size, 5))
    return b.graph(b.op("add", scaled, "x"))


@pytest.mark.parametrize("size", SIZES)
@on_every_back_end
def test_operands_that_stretch(backend: Backend, size: tuple[int, int]) -> None:
    height, width = size
    windows = {(height, width), (height, 1), (1, width), (1, 1)}
    for channels, window, one_channel in product((1, 17, 64), sorted(windows), (False, True)):
        check(network(size, channels, window, one_channel), backend, batches=(1, 2, 65))

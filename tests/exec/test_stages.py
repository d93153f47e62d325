"""The stages of a layer add up, and only layers with kernels have them."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels.machine import NUMPY, Backend, available
from neurobin.exec.limits import rates
from neurobin.exec.limits.layers import Layer, limit_of, operands
from neurobin.exec.limits.stages import stages
from neurobin.ir import BIPOLAR, Builder, TensorType
from neurobin.ir.dtype import i
from neurobin.ops import op_class

NATIVE = [b for b in available() if b is not NUMPY]


@pytest.mark.parametrize("back_end", NATIVE, ids=lambda b: b.name)
def test_stages_are_parts_of_the_whole(back_end: Backend) -> None:
    layer = Layer(64, 6)
    graph, x, _ = operands(layer)
    found = stages(graph, x, back_end, rates.find(limit_of(BIPOLAR, back_end)), layer.macs)
    assert 0 < found.prepare_s < found.total_s
    assert 0 < found.products_s < 1.5 * found.total_s  # turns of both wander
    assert found.prepare_s + found.products_s + found.sums_s == pytest.approx(found.total_s, rel=0.5)
    assert 0 < found.limit_s < 1.5 * found.products_s


@pytest.mark.skipif(not NATIVE, reason="llvmlite is not installed")
def test_what_has_no_stages_is_refused() -> None:
    b = Builder({"x": TensorType((4, 4, 32), BIPOLAR)})
    graph = b.graph(b.add(op_class("max_pool2d")((2, 2), (2, 2), (0, 0, 0, 0)), "x"))
    x = np.ones((1, 4, 4, 32), np.int8)
    limit = rates.find(limit_of(BIPOLAR, NATIVE[0]))
    with pytest.raises(UnsupportedError, match="no linear layer"):
        stages(graph, x, NATIVE[0], limit, 1)
    b = Builder({"x": TensorType((4, 4, 32), i(8))})
    with pytest.raises(UnsupportedError, match="no linear layer"):
        stages(b.graph(b.add(op_class("relu")(), "x")), x, NATIVE[0], limit, 1)
    with pytest.raises(UnsupportedError, match="multiplies nothing"):
        stages(graph, x, NATIVE[0], rates.CLOCK, 1)

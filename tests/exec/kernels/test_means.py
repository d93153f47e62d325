"""Layers take the cheaper one of two ways: counting bits, or multiplying bytes in steps as long as suit them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neurobin.exec.kernels.byte_product import _operand, _span, bytes_read
from neurobin.exec.kernels.layout import aligned
from neurobin.exec.kernels.linear import Linear
from neurobin.exec.kernels.means import MEANS, prefers_bits
from neurobin.exec.kernels.multipliers import Vectors
from neurobin.ir import BIPOLAR, Constant, DType, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class
from tests.ir.strategies import random_constant

SIZE = 14
VECTORS = sorted(name for name in MEANS if isinstance(MEANS[name].bytes, Vectors))


def layer(channels: int, kernel: int = 3, groups: int = 1, dtype: DType = BIPOLAR, weight: DType = BIPOLAR) -> Linear:
    values: Constant = random_constant(weight, (64, kernel, kernel, channels // groups), 0)
    op = op_class("int_conv2d")(weight=values, padding=(kernel // 2,) * 4, groups=groups)
    return op.native(TensorType((SIZE, SIZE, channels), dtype))


@pytest.mark.parametrize(
    ("made", "span", "steps"),
    [
        (layer(1), 4, 3),  # rows of three bytes
        (layer(3), 12, 3),  # of nine
        (layer(1, 7), 8, 7),
        (layer(16), 48, 3),  # three taps together
        (layer(20), 60, 3),
        (layer(32), 48, 6),  # 96 bytes in two steps
        (layer(64), 64, 9),
        (layer(128), 64, 18),
        (layer(64, groups=64), 16, 9),  # a panel reads 16 channels of every tap
        (layer(64, groups=8), 16, 9),
        (layer(32, groups=4), 8, 9),
    ],
)
def test_the_length_of_steps(made: Linear, span: int, steps: int) -> None:
    channels = made.weight.shape[3] * made.groups
    layout = aligned(TensorType((SIZE, SIZE, channels), i(8)))
    found, cost = _span(made, _operand(made.frame, layout, 1, False, False), Vectors.spans)
    assert (found, cost) == (span, steps * (span + 1))


def test_two_digits_cost_twice_as_much() -> None:
    layout = aligned(TensorType((SIZE, SIZE, 64), i(16)))
    multiplier = MEANS["avx512"].bytes
    once = bytes_read(layer(64), replace(layout, dtype=i(8)), multiplier)
    assert bytes_read(layer(64), layout, multiplier) == 2 * once
    assert bytes_read(layer(64, weight=i(9)), layout, multiplier) == 4 * once


@pytest.mark.parametrize("name", VECTORS)
def test_thin_layers_are_products_of_bytes(name: str) -> None:
    def bits(dtype: DType = BIPOLAR, weight: DType = BIPOLAR, **shape: int) -> bool:
        made = layer(dtype=dtype, weight=weight, **shape)
        return prefers_bits(made, aligned(TensorType((SIZE, SIZE, shape["channels"]), dtype)), MEANS[name])

    assert bits(channels=64)
    assert bits(channels=256)
    assert not bits(channels=4)
    assert not bits(channels=8, kernel=5)
    assert not bits(channels=64, dtype=u(8), weight=i(8))
    assert bits(channels=64, dtype=u(2)) == (MEANS[name].most_planes >= 2)
    assert not bits(channels=8, dtype=u(2))


def test_tiles_multiply_bytes() -> None:
    for channels in (1, 8, 64, 256):
        made = layer(channels)
        assert not prefers_bits(made, aligned(TensorType((SIZE, SIZE, channels), BIPOLAR)), MEANS["amx"])

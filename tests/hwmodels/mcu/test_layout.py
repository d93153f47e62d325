"""Layouts: sizes of packed and plain tensors, and bytes that come back as the integers that went in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mcu.layout import decode, encode, item_for, layout_of, pack_words, read_values, unpack_words, write_values
from neurobin.errors import UnsupportedError
from neurobin.ir import BINARY, BIPOLAR, FLOAT32, TERNARY, DType, Encoding, TensorType, parse_dtype
from neurobin.ir.dtype import i, u

TYPES = [
    BIPOLAR,
    BINARY,
    TERNARY,
    u(2),
    u(4),
    i(3),
    u(8),
    i(8),
    i(9),
    u(16),
    i(24),
    u(32),
    i(40),
    DType(Encoding.BIPOLAR, 2),
]


def members(dtype: DType, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random values of a type, its ends included."""
    rng = np.random.default_rng(seed)
    if dtype.bits <= 8 and dtype != TERNARY:
        return rng.choice(dtype.table, shape)
    values = rng.integers(dtype.low, dtype.high, shape, endpoint=True)
    values.flat[0], values.flat[-1] = dtype.low, dtype.high
    return values


@pytest.mark.parametrize("dtype", [*TYPES, parse_dtype("bipolar2<3,1>"), parse_dtype("u3<5,2,1>")], ids=str)
@pytest.mark.parametrize("channels", [1, 31, 32, 33, 65])
def test_rows_come_back(dtype: DType, channels: int) -> None:
    layout = layout_of(TensorType((3, 2, channels), dtype))
    values = members(dtype, (4, 3, 2, channels))
    arena = np.full((4, 8 + layout.size_bytes + 4), 0xA5, dtype=np.uint8)
    for row in range(3):
        write_values(arena, 8, layout, row, values[:, row])
    assert all(np.array_equal(read_values(arena, 8, layout, row), values[:, row]) for row in range(3))
    assert (arena[:, :8] == 0xA5).all()
    assert (arena[:, 8 + layout.size_bytes :] == 0xA5).all()


@pytest.mark.parametrize(
    ("kind", "size_bytes"),
    [
        (TensorType((32, 32, 32), BIPOLAR), 4096),
        (TensorType((8, 8, 33), BIPOLAR), 8 * 8 * 2 * 4),
        (TensorType((8, 8, 64), TERNARY), 8 * 8 * 2 * 2 * 4),
        (TensorType((8, 8, 3), BIPOLAR), 8 * 8 * 3),  # a word per pixel would be larger than a byte per element
        (TensorType((28, 28, 1), u(8)), 784),
        (TensorType((10,), i(9)), 20),
        (TensorType((10,), i(33)), 80),
    ],
    ids=str,
)
def test_sizes(kind: TensorType, size_bytes: int) -> None:
    assert layout_of(kind).size_bytes == size_bytes


def test_words_hold_channel_0_in_bit_0() -> None:
    bits = np.zeros(33, dtype=np.uint8)
    bits[[0, 5, 32]] = 1
    assert pack_words(bits).tolist() == [0b100001, 1]


@given(st.lists(st.integers(0, 1), min_size=1, max_size=100))
@settings(max_examples=40, deadline=None)
def test_unpack_inverts_pack(bits: list[int]) -> None:
    assert unpack_words(pack_words(np.array(bits)), len(bits)).tolist() == bits


def test_flattening_whole_words_keeps_the_bytes() -> None:
    values = members(TERNARY, (2, 3, 64))
    flat = encode(values.reshape(-1), TERNARY).reshape(2, -1)
    assert np.array_equal(flat, encode(values, TERNARY).reshape(2, -1))
    assert np.array_equal(decode(flat, TERNARY, values.size), values.reshape(-1))


def test_types_without_a_layout_are_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"f32.* is real"):
        layout_of(TensorType((3,), FLOAT32))
    with pytest.raises(UnsupportedError, match="exceed 64-bit integers"):
        item_for(0, 1 << 63)

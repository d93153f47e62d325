"""Packing: the identity there and back, at every word edge, for every type."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurobin.errors import GraphError
from neurobin.ir import BINARY, BIPOLAR, FLOAT32, TERNARY, DType, Encoding, IntTensor, pack, pack_bits, unpack_bits
from neurobin.ir.dtype import i, u
from tests.ir.strategies import EDGES, any_integer, channel_counts, random_values, seeds

leading = st.lists(st.integers(1, 3), max_size=3).map(tuple)


@given(any_integer, leading, channel_counts, seeds)
def test_unpack_inverts_pack(dtype: DType, lead: tuple[int, ...], channels: int, seed: int) -> None:
    values = random_values(dtype, (*lead, channels), seed)
    packed = pack(values, dtype)
    assert packed.shape == values.shape
    assert packed.planes.dtype == np.uint64
    assert packed.planes.shape == (len(dtype.plane_weights), *lead, -(-channels // 64))
    assert (packed.mask is None) == (dtype != TERNARY)
    assert packed.values().dtype == dtype.numpy
    assert np.array_equal(packed.values(), values)
    assert np.array_equal(IntTensor(values.astype(dtype.numpy), dtype).bits().planes, packed.planes)


@given(any_integer, channel_counts, seeds)
def test_bits_beyond_the_last_channel_are_zero(dtype: DType, channels: int, seed: int) -> None:
    packed = pack(random_values(dtype, (2, channels), seed), dtype)
    tail = [packed.planes, *([] if packed.mask is None else [packed.mask])]
    for words in tail:
        assert not unpack_bits(words, 64 * packed.words)[..., channels:].any()


@given(channel_counts, seeds)
def test_where_the_mask_is_zero_the_sign_is_zero(channels: int, seed: int) -> None:
    packed = pack(random_values(TERNARY, (channels,), seed), TERNARY)
    assert packed.mask is not None
    assert not (packed.planes[0] & ~packed.mask).any()


@pytest.mark.parametrize("channels", EDGES)
def test_channel_c_is_bit_c_of_its_word(channels: int) -> None:
    for c in {0, channels // 2, channels - 1}:
        one = np.zeros(channels, np.int64)
        one[c] = 1
        words = pack_bits(one)
        assert [int(word) for word in words] == [1 << (c % 64) if k == c // 64 else 0 for k in range(-(-channels // 64))]


def test_a_plane_is_the_bit_of_the_code() -> None:
    assert [int(p[0]) for p in pack(np.array([-4, 3, 1]), i(3)).planes] == [0b110, 0b010, 0b001]
    # odd numbers: v = sum 2^k (2 b - 1), so -3 is 00, -1 is 01, 1 is 10, 3 is 11
    assert [int(p[0]) for p in pack(np.array([-3, -1, 1, 3]), DType(Encoding.BIPOLAR, 2)).planes] == [0b1010, 0b1100]
    # free plane weights 5 and 2: 3 = +5 - 2, so bit 1 in plane 0 and bit 0 in plane 1
    assert [int(p[0]) for p in pack(np.array([3]), DType(Encoding.BIPOLAR, 2, (5, 2))).planes] == [1, 0]


def test_empty_batches_pack() -> None:
    assert pack(np.zeros((0, 5), np.int64), u(3)).values().shape == (0, 5)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0], BIPOLAR),
        ([2], BINARY),
        ([2], TERNARY),
        ([4], u(2)),
        ([-1], u(2)),
        ([2], i(2)),
        ([2], DType(Encoding.BIPOLAR, 2)),
        ([4], DType(Encoding.UNSIGNED, 2, (5, 2))),
        ([0.5], u(2)),
        ([1.0], FLOAT32),
        (["a"], u(2)),
        ([np.nan], BIPOLAR),
    ],
)
def test_refuses_values_that_are_not_members(values: list[object], dtype: DType) -> None:
    with pytest.raises(GraphError, match="cannot pack"):
        pack(np.array(values), dtype)

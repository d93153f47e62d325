"""The popcount kernel against a naive dot product, for every pair of operand kinds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.exec.kernels import popcount, popdot
from neurobin.ir import BINARY, BIPOLAR, TERNARY, BitTensor, DType, Encoding, pack, pack_bits
from neurobin.ir.dtype import i, u
from tests.ir.strategies import channel_counts, random_values, seeds

KINDS = [
    BIPOLAR,
    BINARY,
    TERNARY,
    u(2),
    u(4),
    i(1),
    i(2),
    i(5),
    DType(Encoding.BIPOLAR, 2),
    DType(Encoding.BIPOLAR, 4),
    DType(Encoding.BIPOLAR, 2, (5, 2)),
    DType(Encoding.UNSIGNED, 3, (9, 4, 2)),
    DType(Encoding.UNSIGNED, 1, (3,)),
]


def naive(a: np.ndarray, w: np.ndarray) -> list[list[int]]:
    return [[sum(p * q for p, q in zip(row, filters, strict=True)) for filters in w.tolist()] for row in a.tolist()]


@pytest.mark.parametrize("weight", KINDS, ids=str)
@pytest.mark.parametrize("activation", KINDS, ids=str)
@settings(max_examples=8)
@given(rows=st.integers(0, 4), outputs=st.integers(1, 4), length=channel_counts, seed=seeds)
def test_popdot_is_the_dot_product(
    activation: DType, weight: DType, rows: int, outputs: int, length: int, seed: int
) -> None:
    a = random_values(activation, (rows, length), seed)
    w = random_values(weight, (outputs, length), seed + 1)
    assert popdot(pack(a, activation), pack(w, weight), length).tolist() == naive(a, w)


@pytest.mark.parametrize("weight", [BIPOLAR, TERNARY, BINARY, i(2), DType(Encoding.BIPOLAR, 3)], ids=str)
@given(
    kind=st.sampled_from([BIPOLAR, DType(Encoding.BIPOLAR, 2), DType(Encoding.BIPOLAR, 3, (9, 4, 2))]),
    length=channel_counts,
    seed=seeds,
)
def test_masked_bipolar_activations_count_as_zero(weight: DType, kind: DType, length: int, seed: int) -> None:
    """Zero padding of +-1 data: a mask beside the planes, with the planes 0 where it is 0."""
    rng = np.random.default_rng(seed)
    a = random_values(kind, (3, length), seed)
    w = random_values(weight, (2, length), seed + 1)
    mask = rng.integers(0, 2, a.shape)
    full = pack(a, kind)
    masked = BitTensor(full.planes & pack_bits(mask), pack_bits(mask), a.shape, kind)
    assert popdot(masked, pack(w, weight), length).tolist() == naive(a * mask, w)
    assert np.array_equal(masked.values(), a * mask)


def test_blocks_of_rows_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(popcount, "_BLOCK_BYTES", 8 * 3 * 7)  # 7 rows of 3 outputs at a time
    a, w = random_values(TERNARY, (20, 130), 0), random_values(BIPOLAR, (3, 130), 1)
    assert popdot(pack(a, TERNARY), pack(w, BIPOLAR), 130).tolist() == naive(a, w)
    monkeypatch.setattr(popcount, "_BLOCK_BYTES", 1)
    assert popdot(pack(a, TERNARY), pack(w, BIPOLAR), 130).tolist() == naive(a, w)


def test_counts_beyond_16_bits() -> None:
    """5x5x3072 taps, the case in which 16-bit accumulators of other engines overflow."""
    ones = pack(np.ones((1, 76_800), np.int64), BIPOLAR)
    minus = pack(-np.ones((1, 76_800), np.int64), BIPOLAR)
    assert popdot(ones, ones, 76_800).tolist() == [[76_800]]
    assert popdot(ones, minus, 76_800).tolist() == [[-76_800]]

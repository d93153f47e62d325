"""Codings, tiles and splits: the values of codes, and the limits that a pass over K respects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodels.bitserial.coding import Coding, coding
from hwmodels.bitserial.lower import Geometry
from hwmodels.bitserial.tiling import depth, gemm, passes
from neurobin.ir import BINARY, BIPOLAR, TERNARY, DType, Encoding
from neurobin.ir.dtype import i, u
from tests.hwmodels.bitserial.chips import target

CHIP = target().chip


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (BIPOLAR, Coding(1, False, 2, 1)),
        (DType(Encoding.BIPOLAR, 3), Coding(3, False, 2, 7)),
        (DType(Encoding.BIPOLAR, 2, (3, 1)), Coding(4, True)),
        (DType(Encoding.UNSIGNED, 2, (3, 1)), Coding(3, False)),
        (BINARY, Coding(1, False)),
        (TERNARY, Coding(2, True)),
        (u(8), Coding(8, False)),
        (i(5), Coding(5, True)),
    ],
    ids=str,
)
def test_planes_of_a_code_add_up_to_the_value(dtype: DType, expected: Coding) -> None:
    made = coding(dtype)
    assert made == expected
    values = np.arange(dtype.low, dtype.high + 1)
    values = values[[dtype.holds(values[k : k + 1]) for k in range(len(values))]]
    codes = made.codes(values).astype(np.int64)
    planes = [(codes >> p & 1) << p for p in range(made.bits)]
    total = sum(planes[:-1], np.zeros_like(codes)) + (-planes[-1] if made.signed else planes[-1])
    assert np.array_equal(made.scale * total - made.offset, values)


def test_addresses_of_a_padded_window() -> None:
    g = Geometry(2, 2, 1, kernel=(2, 2), padding=(1, 0, 0, 0))
    assert g.addresses.tolist() == [[4, 4, 0, 1], [0, 1, 2, 3]]
    assert g.valid.tolist() == [[False, False, True, True], [True] * 4]


def test_formulas_of_one_product() -> None:
    product = gemm(target("bismo_8x256x8").chip, 20, 300, 9, 2, 3)
    assert (product.tiles_m, product.tiles_k, product.tiles_n) == (3, 2, 2)
    assert product.dpa_cycles == 3 * 2 * 2 * 2 * 3
    assert product.binops == 2 * 20 * 300 * 9 * 6
    assert product.padded_binops == 2 * 24 * 512 * 16 * 6
    assert product.lhs_stripe_bytes == 2 * 8 * 512 // 8
    assert product.rhs_stripe_bytes == 3 * 8 * 512 // 8
    assert product.lhs_read_bytes == 2 * 3 * product.lhs_stripe_bytes  # again for each of two columns
    assert product.rhs_read_bytes == 2 * product.rhs_stripe_bytes
    assert product.written_bytes == 24 * 16 * 4


@given(st.integers(1, 30_000), st.integers(1, 8), st.integers(1, 8))
def test_passes_cover_k_once_and_keep_every_limit(k: int, w: int, a: int) -> None:
    whole = gemm(CHIP, 5, k, 5, w, a)
    parts = passes(CHIP, whole)
    assert sum(part.k for part in parts) == k
    assert all(part.k % part.dk == 0 for part in parts[:-1])
    for part in parts:
        assert 4 * part.lhs_stripe_bytes <= CHIP.lhs_bytes
        assert 4 * part.rhs_stripe_bytes <= CHIP.rhs_bytes
        assert max(part.lhs_stripe_bytes, part.rhs_stripe_bytes) <= 1 << 15
        assert part.tiles_k * part.dk * (2**w - 1) * (2**a - 1) < 2**31
    assert len(parts) == -(-whole.tiles_k // depth(CHIP, whole).tiles)

"""Matrix products through BLAS: exact on both sides of every bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurobin.exec.kernels import int_matmul
from tests.ir.strategies import seeds


@given(st.integers(0, 5), st.integers(1, 300), st.integers(1, 4), st.integers(1, 60), seeds)
def test_products_are_exact(rows: int, length: int, outputs: int, bits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    split = int(rng.integers(0, bits + 1))
    a = rng.integers(-(2**split), 2**split, (rows, length), endpoint=True)
    b = rng.integers(-(2 ** (bits - split)), 2 ** (bits - split), (length, outputs), endpoint=True) // length
    expected = [[sum(x * y for x, y in zip(row, column, strict=True)) for column in b.T.tolist()] for row in a.tolist()]
    bound = int(np.abs(b).sum(0).max()) * 2**split
    y = int_matmul(a, b, bound)
    assert y.dtype == np.int64
    assert y.tolist() == expected


@pytest.mark.parametrize("bound", [2**24 - 1, 2**24, 2**24 + 1, 2**53 - 1, 2**53, 2**53 + 1, 2**62 + 1])
def test_the_edges_of_both_float_types(bound: int) -> None:
    """The odd number beside a power of two is the first one a float cannot hold."""
    a = np.array([[1, 1], [1, 0], [-1, -1]])
    b = np.array([[bound - 1], [1]])
    assert int_matmul(a, b, bound).tolist() == [[bound], [bound - 1], [-bound]]


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32])
def test_narrow_operands_do_not_wrap(kind: type[np.signedinteger]) -> None:
    low = np.iinfo(kind).min
    length = min(1000, 2**62 // low**2)
    a = np.full((1, length), low, kind)
    assert int_matmul(a, a.T, length * low**2).tolist() == [[length * low**2]]

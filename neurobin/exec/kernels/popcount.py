"""Dot products of bit planes by popcount, in numpy: the portable kernel and the oracle of faster ones.

With pc = popcount over the K positions and bit 1 = +1 for bipolar planes (masks mark positions that count):

    +-1 x +-1          K - 2 pc(a ^ w)          masked: pc(m) - 2 pc((a ^ w) & m)
    +-1 w x {0,1} a    2 pc(w & a) - pc(a)      masked: 2 pc(w & a) - pc(a & m)      (and with the roles swapped)
    {0,1} x {0,1}      pc(w & a)

An integer dot product is the sum over plane pairs of these, each times the product of its two plane weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurobin.ir import BitTensor

_BLOCK_BYTES = 1 << 19  # of the word matrix in flight; keeps one block and its counts in the second-level cache

_Combine = Callable[[np.ndarray, np.ndarray], np.ndarray]


def popdot(activation: BitTensor, weight: BitTensor, length: int) -> np.ndarray:
    """int64 [R, O]: dot products of activation rows (planes [P, R, W]) with weight rows (planes [Q, O, W]).

    `length` is the number of logical elements per row; bits beyond them are 0 in planes and masks of both operands.
    """
    total = np.zeros((activation.planes.shape[1], weight.planes.shape[1]), dtype=np.int64)
    for a_plane, a_weight in zip(activation.planes, activation.dtype.plane_weights, strict=True):
        for w_plane, w_weight in zip(weight.planes, weight.dtype.plane_weights, strict=True):
            pair = _plane_dot(a_plane, activation, w_plane, weight, length)
            pair *= (a_weight * w_weight + 2**63) % 2**64 - 2**63  # modulo 2^64, as the sum: the result fits 64 bits
            total += pair
    return total


def _plane_dot(a: np.ndarray, activation: BitTensor, w: np.ndarray, weight: BitTensor, length: int) -> np.ndarray:
    """The dot product of one pair of planes, by the rows of the table above."""
    a_bipolar, w_bipolar = activation.dtype.is_bipolar, weight.dtype.is_bipolar
    if not a_bipolar and not w_bipolar:
        return _count(a, w, np.bitwise_and)
    if a_bipolar and w_bipolar:
        return _bipolar_dot(a, activation.mask, w, weight.mask, length)
    both = 2 * _count(a, w, np.bitwise_and)
    if w_bipolar:
        return both - (_ones(a)[:, None] if weight.mask is None else _count(a, weight.mask, np.bitwise_and))
    return both - (_ones(w)[None, :] if activation.mask is None else _count(activation.mask, w, np.bitwise_and))


def _bipolar_dot(
    a: np.ndarray, a_mask: np.ndarray | None, w: np.ndarray, w_mask: np.ndarray | None, length: int
) -> np.ndarray:
    if a_mask is None and w_mask is None:
        return length - 2 * _count(a, w, np.bitwise_xor)
    # (a ^ w) & m with m = a_mask & w_mask. A masked-out bit of either plane is 0, so a ^ w = (a & ~w) | (w & ~a) gives
    # pc((a ^ w) & m) = pc(a & w_mask) + pc(w & a_mask) - 2 pc(a & w): three counts on plain word pairs.
    disagree = -2 * _count(a, w, np.bitwise_and)
    disagree += _ones(a)[:, None] if w_mask is None else _count(a, w_mask, np.bitwise_and)
    disagree += _ones(w)[None, :] if a_mask is None else _count(a_mask, w, np.bitwise_and)
    if a_mask is None:
        assert w_mask is not None
        valid = _ones(w_mask)[None, :]
    else:
        valid = _ones(a_mask)[:, None] if w_mask is None else _count(a_mask, w_mask, np.bitwise_and)
    return np.asarray(valid - 2 * disagree)


def _ones(words: np.ndarray) -> np.ndarray:
    """int64 [R]: set bits per row."""
    return np.bitwise_count(words).sum(axis=-1, dtype=np.int64)


def _count(a: np.ndarray, w: np.ndarray, combine: _Combine) -> np.ndarray:
    """int64 [R, O]: set bits of combine(a row, w row) over all words, blocked over rows of `a`."""
    rows, outputs, words = a.shape[0], w.shape[0], a.shape[1]
    result = np.empty((rows, outputs), dtype=np.int64)
    step = max(1, _BLOCK_BYTES // (8 * outputs))
    columns = np.ascontiguousarray(w.T)  # [W, O]: each word position of all filters in one run
    for start in range(0, rows, step):
        block = a[start : start + step]
        counts = np.zeros((block.shape[0], outputs), dtype=np.int32)
        for k in range(words):
            counts += np.bitwise_count(combine(block[:, k, None], columns[k]))
        result[start : start + step] = counts
    return result

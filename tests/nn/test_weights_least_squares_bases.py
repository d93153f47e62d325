"""The two best bases against a search through all sign patterns."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.ir import BIPOLAR, TERNARY
from neurobin.nn.bases import least_squares, two_clusters
from neurobin.nn.weights.greedy_bases import GreedyBases
from neurobin.nn.weights.least_squares_bases import LeastSquaresBases, LeastSquaresTernary
from neurobin.nn.weights.quantizer import total
from neurobin.nn.weights.ternary import TernaryWeights

VECTORS = st.lists(st.integers(-8, 8), min_size=1, max_size=6).map(lambda w: np.array(w) / 4)


def least_error(weight: np.ndarray, count: int) -> float:
    """min ||w - sum_m v_m B_m||^2 over all sign vectors, the scales by numpy's least squares."""
    patterns = [np.array(p) for p in product([-1.0, 1.0], repeat=len(weight))]
    best = np.inf
    for chosen in product(patterns, repeat=count):
        matrix = np.array(chosen).T
        scales = np.linalg.lstsq(matrix, weight, rcond=None)[0]
        best = min(best, float(((weight - matrix @ scales) ** 2).sum()))
    return best


def least_ternary_error(weight: np.ndarray) -> float:
    best = float((weight**2).sum())
    for codes in product([-1.0, 0.0, 1.0], repeat=len(weight)):
        t = np.array(codes)
        if t.any():
            scale = (weight @ t) / (t @ t)
            best = min(best, float(((weight - scale * t) ** 2).sum()))
    return best


@settings(max_examples=30, deadline=None)
@given(weight=st.lists(st.integers(-8, 8), min_size=1, max_size=4).map(lambda w: np.array(w) / 4))
def test_two_bases_reach_the_least_error(weight: np.ndarray) -> None:
    value = total(LeastSquaresBases().terms(torch.from_numpy(weight[None]))).numpy()[0]
    assert ((weight - value) ** 2).sum() == pytest.approx(least_error(weight, 2), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(weight=VECTORS)
def test_ternary_codes_reach_the_least_error(weight: np.ndarray) -> None:
    value = total(LeastSquaresTernary().terms(torch.from_numpy(weight[None]))).numpy()[0]
    assert ((weight - value) ** 2).sum() == pytest.approx(least_ternary_error(weight), abs=1e-12)


def test_two_bases_by_hand() -> None:
    first, second = LeastSquaresBases().terms(torch.tensor([[0.0, -1.0, 4.0, -5.0]]))  # clusters 0.5 and 4.5
    assert (first.scale.item(), second.scale.item()) == (2.5, 2)
    assert first.codes.tolist() == [[1, -1, 1, -1]]
    assert second.codes.tolist() == [[-1, 1, 1, -1]]
    assert (first.dtype, second.dtype) == (BIPOLAR, BIPOLAR)


def test_ternary_by_hand() -> None:
    (term,) = LeastSquaresTernary().terms(torch.tensor([[0.0, -1.0, 4.0, -5.0]]))
    assert term.scale.item() == 4.5
    assert term.codes.tolist() == [[0, 0, 1, -1]]
    assert term.dtype == TERNARY


@pytest.mark.parametrize("scheme", [LeastSquaresBases(), LeastSquaresTernary()], ids=repr)
def test_filters_have_scales_of_their_own(scheme: LeastSquaresBases | LeastSquaresTernary) -> None:
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    whole = total(scheme.terms(weight))
    for o in range(5):
        assert torch.allclose(whole[o : o + 1], total(scheme.terms(weight[o : o + 1])), atol=1e-15)
    assert torch.equal(scheme(weight), whole)


def test_the_optimum_beats_the_other_rules() -> None:
    weight = torch.randn(6, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def error(quantizer: LeastSquaresBases | LeastSquaresTernary | GreedyBases) -> float:
        return (weight - total(quantizer.terms(weight))).square().sum().item()

    assert error(LeastSquaresBases()) < error(GreedyBases(2)) < error(LeastSquaresTernary())
    single = weight[:1]
    best = (single - total(LeastSquaresTernary().terms(single))).square().sum()
    assert best <= (single - total(TernaryWeights().terms(single))).square().sum()


@pytest.mark.parametrize("scheme", [LeastSquaresBases(), LeastSquaresTernary()], ids=repr)
@pytest.mark.parametrize("weight", [torch.zeros(2, 5), torch.full((1, 3), -0.3), torch.tensor([[0.7]])], ids=str)
def test_zeros_and_equal_weights(scheme: LeastSquaresBases | LeastSquaresTernary, weight: torch.Tensor) -> None:
    found = scheme.terms(weight)
    assert torch.allclose(total(found), weight)
    assert all((term.scale >= 0).all() for term in found)


@pytest.mark.parametrize("scheme", [LeastSquaresBases(), LeastSquaresTernary()], ids=repr)
def test_gradient_takes_the_estimator(scheme: LeastSquaresBases | LeastSquaresTernary) -> None:
    weight = torch.tensor([[0.5, -1.5, 1.0, 0.0]], requires_grad=True)
    scheme(weight).backward(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert weight.grad.tolist() == [[1, 0, 3, 4]]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(1, 3), ridge=st.sampled_from([0.0, 0.5]))
def test_least_squares_solves_the_normal_equations(seed: int, count: int, ridge: float) -> None:
    rng = np.random.default_rng(seed)
    bases, target = np.where(rng.normal(size=(4, count, 9)) >= 0, 1.0, -1.0), rng.normal(size=(4, 9))
    found = least_squares(torch.from_numpy(bases), torch.from_numpy(target), ridge).numpy()
    for matrix, vector, scales in zip(bases, target, found, strict=True):
        stacked = np.vstack([matrix.T, np.sqrt(ridge) * np.eye(count)])  # ridge as further equations sqrt(r) v = 0
        expected = np.linalg.lstsq(stacked, np.concatenate([vector, np.zeros(count)]), rcond=None)[0]
        assert np.allclose(scales, expected, atol=1e-10)


def test_two_clusters_of_one_value_are_equal() -> None:
    left, right = two_clusters(torch.tensor([[2.0]]))
    assert (left.item(), right.item()) == (2, 2)

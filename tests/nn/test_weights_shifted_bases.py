"""ABC-Net weights against the formulas, written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR
from neurobin.nn.estimators import CLIPPED
from neurobin.nn.weights.quantizer import total
from neurobin.nn.weights.shifted_bases import ShiftedBases


def by_hand(weight: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Bases [M, n] and their scales by numpy's own least squares."""
    w = weight.ravel()
    shifts = [0.0] if count == 1 else [-1 + 2 * i / (count - 1) for i in range(count)]
    bases = np.array([np.where(w - w.mean() + u * w.std() >= 0, 1.0, -1.0) for u in shifts])
    return bases, np.linalg.lstsq(bases.T, w, rcond=None)[0]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(1, 5))
def test_values_and_terms_are_the_papers(seed: int, count: int) -> None:
    weight = np.random.default_rng(seed).normal(0.1, 1, (6, 10))
    bases, alpha = by_hand(weight, count)
    tensor = torch.from_numpy(weight)
    found = ShiftedBases(count).terms(tensor)
    assert [term.dtype for term in found] == [BIPOLAR] * count
    for term, base, scale in zip(found, bases, alpha, strict=True):
        assert np.allclose(term.values.numpy().ravel(), base * scale, atol=1e-12)
        assert (term.scale >= 0).all()
    assert torch.equal(ShiftedBases(count)(tensor), total(found))


def test_a_weight_at_a_shifted_threshold_is_plus_one() -> None:
    weight = torch.tensor([[-1.0, 1.0, -1.0, 1.0]])  # mean 0, standard deviation 1: shifts -1, 0 and 1 meet the weights
    codes = [term.codes.tolist() for term in ShiftedBases(3).terms(weight)]
    # sign(w - 1): 1 - 1 = 0 is +1; sign(w); sign(w + 1): all +1, and best left out
    assert codes[:2] == [[[-1, 1, -1, 1]]] * 2
    assert torch.allclose(total(ShiftedBases(3).terms(weight)), weight)


def test_a_negative_scale_turns_the_signs() -> None:
    weight = torch.full((1, 4), -2.0)  # every base is +1 where w = mean(w): the scales must be negative
    found = ShiftedBases(1).terms(weight)
    assert found[0].codes.tolist() == [[-1] * 4]
    assert found[0].scale.item() == pytest.approx(2)


def test_gradient_is_the_sum_of_the_scaled_bases_gradients() -> None:
    weight = torch.randn(4, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    gradient = torch.randn(4, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    _, alpha = by_hand(weight.detach().numpy(), 3)
    ShiftedBases(3)(weight).backward(gradient)  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert torch.allclose(weight.grad, alpha.sum() * gradient, atol=1e-12)
    weight.grad = None
    ShiftedBases(3, CLIPPED)(weight).backward(gradient)  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert torch.allclose(weight.grad, alpha.sum() * gradient * (weight.detach().abs() <= 1), atol=1e-12)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_zeros_stay_finite(count: int) -> None:
    weight = torch.zeros(2, 3, requires_grad=True)
    value = ShiftedBases(count)(weight)
    value.sum().backward()  # type: ignore[no-untyped-call]
    assert (value == 0).all()
    assert weight.grad is not None
    assert torch.isfinite(weight.grad).all()


def test_autocast_does_not_round_the_scales() -> None:
    weight = torch.randn(8, 27, generator=torch.Generator().manual_seed(5))
    with torch.autocast("cpu", torch.bfloat16):
        inside = ShiftedBases(3)(weight)
    assert torch.equal(inside, total(ShiftedBases(3).terms(weight)))


def test_counts_are_bounded() -> None:
    with pytest.raises(UsageError, match="1 to 8 bases"):
        ShiftedBases(0)

"""Greedy bases against the recursion, written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.errors import UsageError
from neurobin.nn.estimators import STRAIGHT_THROUGH
from neurobin.nn.weights.greedy_bases import GreedyBases
from neurobin.nn.weights.quantizer import total


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(1, 4))
def test_terms_follow_the_recursion(seed: int, count: int) -> None:
    weight = np.rint(np.random.default_rng(seed).normal(size=(3, 7)) * 4) / 4  # with zeros and ties
    rest = weight.copy()
    found = GreedyBases(count).terms(torch.from_numpy(weight))
    for term in found:
        signs, scale = np.where(rest >= 0, 1.0, -1.0), np.abs(rest).mean(1)
        assert np.allclose(term.scale.numpy(), scale, atol=1e-12)
        assert (term.codes.numpy() == signs).all()
        rest = rest - term.scale.numpy()[:, None] * signs
    assert torch.equal(GreedyBases(count)(torch.from_numpy(weight)), total(found))


def test_by_hand() -> None:
    first, second = GreedyBases(2).terms(torch.tensor([[0.0, -1.0, 3.0, -4.0]]))
    assert first.scale.item() == 2
    assert first.codes.tolist() == [[1, -1, 1, -1]]
    assert second.scale.item() == pytest.approx(1.5)  # rests -2, 1, 1, -2
    assert second.codes.tolist() == [[-1, 1, 1, -1]]


def test_each_base_lowers_the_error() -> None:
    weight = torch.randn(5, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    errors = [(weight - total(GreedyBases(count).terms(weight))).square().sum().item() for count in range(1, 7)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * errors[0]


def test_gradient_takes_the_estimator() -> None:
    weight = torch.tensor([[0.5, -1.5, 1.0, 0.0]], requires_grad=True)
    gradient = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    GreedyBases(2)(weight).backward(gradient)  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert weight.grad.tolist() == [[1, 0, 3, 4]]
    weight.grad = None
    GreedyBases(2, STRAIGHT_THROUGH)(weight).backward(gradient)  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert torch.equal(weight.grad, gradient)


def test_counts_are_bounded() -> None:
    with pytest.raises(UsageError, match="1 to 8 bases"):
        GreedyBases(9)

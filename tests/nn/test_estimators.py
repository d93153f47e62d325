"""Estimators against their printed formulas, and the backward pass that uses them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.nn.estimators import CLIPPED, POLYNOMIAL, STRAIGHT_THROUGH, Estimator, clipped, substitute

GRID = np.array([-2.0, -1.5, -1.0, -0.75, -0.25, 0.0, 0.25, 0.75, 1.0, 1.25, 1.5])


def by_hand(estimator: Estimator) -> np.ndarray:
    formulas = {
        "ste": [1.0] * 11,
        "clip_1": [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0],
        "clip_1.25": [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0],
        "poly": [0, 0, 0, 0.5, 1.5, 2, 1.5, 0.5, 0, 0, 0],
    }
    return np.array(formulas[estimator.name])


@pytest.mark.parametrize("estimator", [STRAIGHT_THROUGH, CLIPPED, clipped(1.25), POLYNOMIAL], ids=lambda e: e.name)
def test_derivative(estimator: Estimator) -> None:
    assert (estimator.derivative(torch.from_numpy(GRID)).numpy() == by_hand(estimator)).all()
    assert estimator.formula
    assert estimator.paper


def test_polynomial_is_the_derivative_of_its_surrogate() -> None:
    x = np.linspace(-0.99, 0.99, 41)
    surrogate = lambda v: np.where(v < 0, 2 * v + v * v, 2 * v - v * v)  # noqa: E731
    slope = (surrogate(x + 1e-6) - surrogate(x - 1e-6)) / 2e-6
    assert np.allclose(POLYNOMIAL.derivative(torch.from_numpy(x)).numpy(), slope, atol=2e-6)


def test_substitute_gives_the_value_and_the_estimated_gradient() -> None:
    x = torch.from_numpy(GRID).requires_grad_()
    value = torch.full_like(x, 7.0, requires_grad=True)
    result = substitute(x, value, POLYNOMIAL)
    assert (result == 7).all()
    (result * torch.arange(11.0)).sum().backward()
    assert x.grad is not None
    assert (x.grad.numpy() == np.arange(11) * by_hand(POLYNOMIAL)).all()
    assert value.grad is None

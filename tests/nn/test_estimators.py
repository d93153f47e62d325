"""Estimators against printed formulas, against the slopes of their surrogates, and the backward pass that uses them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from neurobin.nn.annealed import EDE, SHARPENING_TANH, error_decay, geometric, sharpening_tanh
from neurobin.nn.estimators import (
    CLIPPED,
    POLYNOMIAL,
    STRAIGHT_THROUGH,
    SWISH,
    TRIANGLE,
    Estimator,
    clipped,
    clipped_relu,
    log_tailed_relu,
    soft_round,
    substitute,
    swish,
)

GRID = np.array([-2.0, -1.5, -1.0, -0.75, -0.25, 0.0, 0.25, 0.75, 1.0, 1.25, 1.5])
BY_HAND = {
    STRAIGHT_THROUGH: [1.0] * 11,
    CLIPPED: [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0],
    clipped(1.25): [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0],
    POLYNOMIAL: [0, 0, 0, 0.5, 1.5, 2, 1.5, 0.5, 0, 0, 0],
    TRIANGLE: [0, 0, 0, 0.25, 0.75, 1, 0.75, 0.25, 0, 0, 0],
    clipped_relu(1.0): [0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0],
    log_tailed_relu(1.0): [0, 0, 0, 0, 0, 0, 1, 1, 1, 1 / 1.25, 1 / 1.5],
    log_tailed_relu(0.5): [0, 0, 0, 0, 0, 0, 1, 1 / 1.25, 1 / 1.5, 1 / 1.75, 0.5],
}
Surrogate = Callable[[np.ndarray, float], np.ndarray]


def slope(estimator: Estimator, x: np.ndarray, progress: float = 0.5) -> np.ndarray:
    return estimator.derivative(torch.from_numpy(x), progress).numpy()


@pytest.mark.parametrize("estimator", BY_HAND, ids=lambda e: e.name)
def test_derivative(estimator: Estimator) -> None:
    assert (slope(estimator, GRID) == BY_HAND[estimator]).all()
    assert estimator.formula
    assert estimator.paper


def test_swish_is_the_printed_formula() -> None:
    for beta, estimator in ((5.0, SWISH), (2.0, swish(2.0))):
        z = beta * GRID
        printed = beta * (2 - z * np.tanh(z / 2)) / (1 + np.cosh(z))
        assert np.allclose(slope(estimator, GRID), printed, rtol=1e-12)
    far = slope(SWISH, np.array([-1e4, 1e4], dtype=np.float32))
    assert (np.abs(far) == 0).all()  # the hyperbolic cosine overflows there


@pytest.mark.parametrize("progress", [0.0, 0.25, 0.5, 1.0])
def test_annealed_estimators_are_the_printed_formulas(progress: float) -> None:
    t = 10 ** (-3 + 4 * progress)  # from 0.001 to 10
    assert np.allclose(slope(EDE, GRID, progress), max(1 / t, 1) * t * (1 - np.tanh(t * GRID) ** 2), rtol=1e-9)
    nu = 10 ** (3 * progress)  # from 1 to 1000
    small = GRID / nu
    assert np.allclose(slope(SHARPENING_TANH, small, progress), nu * (1 - np.tanh(nu * small) ** 2), rtol=1e-9)


def test_annealed_estimators_begin_soft_and_end_sharp() -> None:
    assert np.allclose(slope(EDE, GRID, 0.0), 1.0, atol=1e-5)
    assert slope(EDE, np.array([0.0, 1.0]), 1.0).tolist() == pytest.approx([10.0, 0.0], abs=1e-6)
    assert slope(error_decay(0.1), np.array([0.0]), 0.0).tolist() == pytest.approx([1.0])
    assert slope(sharpening_tanh(1, 100), np.array([0.0]), 1.0).tolist() == pytest.approx([100.0])
    assert [geometric(1.0, 1000.0, p) for p in (0.0, 1 / 3, 1.0)] == pytest.approx([1, 10, 1000])


def swish_sign(x: np.ndarray, progress: float) -> np.ndarray:
    s = 1 / (1 + np.exp(-5 * x))
    return 2 * s * (1 + 5 * x * (1 - s)) - 1


SURROGATES: list[tuple[Estimator, Surrogate]] = [
    (POLYNOMIAL, lambda x, p: np.where(x < 0, 2 * x + x * x, 2 * x - x * x)),
    (TRIANGLE, lambda x, p: x - x * np.abs(x) / 2),
    (SWISH, swish_sign),
    (EDE, lambda x, p: max(10 ** (3 - 4 * p), 1) * np.tanh(10 ** (4 * p - 3) * x)),
    (SHARPENING_TANH, lambda x, p: np.tanh(1000**p * x)),
    (clipped(0.7), lambda x, p: np.clip(x, -0.7, 0.7)),
    (clipped_relu(0.7), lambda x, p: np.clip(x, 0, 0.7)),
    (log_tailed_relu(0.7), lambda x, p: np.where(x < 0.7, np.maximum(x, 0), 0.7 + np.log(np.maximum(x, 0.7) + 0.3))),
]


@pytest.mark.parametrize(("estimator", "surrogate"), SURROGATES, ids=lambda v: getattr(v, "name", ""))
@pytest.mark.parametrize("progress", [0.0, 0.6])
def test_the_derivative_is_the_slope_of_its_surrogate(estimator: Estimator, surrogate: Surrogate, progress: float) -> None:
    x = np.linspace(-0.99, 0.99, 44)  # meets neither 0 nor 0.7
    numeric = (surrogate(x + 1e-6, progress) - surrogate(x - 1e-6, progress)) / 2e-6
    assert np.allclose(slope(estimator, x, progress), numeric, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5])
def test_soft_round_meets_whole_numbers_and_follows_its_formula(alpha: float) -> None:
    a = torch.tensor(alpha, dtype=torch.float64)
    whole = torch.arange(5.0, dtype=torch.float64)
    assert torch.allclose(soft_round(whole, a), whole, atol=1e-12)
    assert torch.allclose(soft_round(whole + 0.5, a), whole + 0.5, atol=1e-12)
    x = torch.linspace(0.013, 3.87, 50, dtype=torch.float64, requires_grad=True)
    soft_round(x, a).sum().backward()
    k, s = np.log(2 / alpha - 1), 1 / (1 - alpha)
    at = x.detach().numpy() - np.floor(x.detach().numpy()) - 0.5
    assert x.grad is not None
    assert np.allclose(x.grad.numpy(), s * k / 2 * (1 - np.tanh(k * at) ** 2), rtol=1e-9)


def test_soft_round_differentiates_its_steepness() -> None:
    x = torch.linspace(0.013, 3.87, 50, dtype=torch.float64)
    alpha = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    soft_round(x, alpha).square().sum().backward()
    plus, minus = (float(soft_round(x, torch.tensor(0.2 + d, dtype=torch.float64)).square().sum()) for d in (1e-6, -1e-6))
    assert alpha.grad is not None
    assert float(alpha.grad) == pytest.approx((plus - minus) / 2e-6, rel=1e-6)


def test_substitute_gives_the_value_and_the_estimated_gradient() -> None:
    x = torch.from_numpy(GRID).requires_grad_()
    value = torch.full_like(x, 7.0, requires_grad=True)
    result = substitute(x, value, POLYNOMIAL)
    assert (result == 7).all()
    (result * torch.arange(11.0)).sum().backward()
    assert x.grad is not None
    assert (x.grad.numpy() == np.arange(11) * BY_HAND[POLYNOMIAL]).all()
    assert value.grad is None


def test_substitute_passes_the_progress_on() -> None:
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    substitute(x, torch.ones_like(x), SHARPENING_TANH, 1 / 3).backward()
    assert x.grad is not None
    assert float(x.grad) == pytest.approx(10)

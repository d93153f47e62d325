"""Uniform weights between learned ends, straight through and with DSQ's soft gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR, DType, Encoding
from neurobin.nn.weights.uniform import UniformQuantizer, UniformWeights
from tests.nn.quantizers import GRADIENT, WEIGHT, bound, slope

LOW, HIGH, SOFTNESS = -0.75, 1.25, 0.25


def made(scheme: UniformWeights, weight: np.ndarray = WEIGHT):
    quantizer, parameter = bound(scheme, weight)
    assert isinstance(quantizer, UniformQuantizer)
    with torch.no_grad():
        quantizer.upper.fill_(HIGH)
        if quantizer.lower is not None:
            quantizer.lower.fill_(LOW)
        if quantizer.softness is not None:
            quantizer.softness.fill_(SOFTNESS)
    return quantizer, parameter


def levels(w: np.ndarray, bits: int, low: float = LOW) -> np.ndarray:
    d = (HIGH - low) / (2**bits - 1)
    return np.floor((np.clip(w, low, HIGH) - low) / d + 0.5)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_values(bits: int, soft: bool) -> None:
    quantizer, weight = made(UniformWeights(bits, soft))
    d = (HIGH - LOW) / (2**bits - 1)
    assert np.allclose(quantizer(weight).detach().numpy(), LOW + d * levels(WEIGHT, bits), atol=1e-14)
    odd, ones = quantizer.terms(weight)
    assert (odd.dtype, ones.dtype) == (DType(Encoding.BIPOLAR, bits), BIPOLAR)
    assert odd.dtype.holds(odd.codes.numpy().astype(int))
    assert (ones.codes.numpy() == 1).all()
    assert (odd.scale.item(), ones.scale.item()) == (pytest.approx(d / 2), pytest.approx((LOW + HIGH) / 2))


@pytest.mark.parametrize("soft", [False, True])
def test_ties_go_up(soft: bool) -> None:
    quantizer, weight = made(UniformWeights(1, soft), np.array([[0.25, 0.249999, HIGH, LOW, 9, -9]]))
    assert quantizer(weight).tolist() == [[HIGH, LOW, HIGH, LOW, HIGH, LOW]]


def test_symmetric_ends_need_one_term() -> None:
    quantizer, weight = made(UniformWeights(2, symmetric=True))
    expected = -HIGH + 2 * HIGH / 3 * levels(WEIGHT, 2, -HIGH)
    (term,) = quantizer.terms(weight)
    assert np.allclose(term.values.detach().numpy(), expected, atol=1e-14)
    assert quantizer(weight).equal(term.values)
    assert [name for name, _ in quantizer.named_parameters()] == ["upper"]


def test_straight_through_gradients() -> None:
    quantizer, weight = made(UniformWeights(2))
    d = (HIGH - LOW) / 3
    assert (slope(quantizer, weight) == GRADIENT * ((WEIGHT >= LOW) & (WEIGHT <= HIGH))).all()
    rounding = levels(WEIGHT, 2) - (np.clip(WEIGHT, LOW, HIGH) - LOW) / d  # d(q)/d(d) with w held
    by_d = (GRADIENT * rounding).sum() / 3
    assert quantizer.upper.grad is not None
    assert quantizer.lower is not None
    assert quantizer.lower.grad is not None
    assert quantizer.upper.grad.item() == pytest.approx(GRADIENT[WEIGHT > HIGH].sum() + by_d, abs=1e-12)
    assert quantizer.lower.grad.item() == pytest.approx(GRADIENT[WEIGHT < LOW].sum() - by_d, abs=1e-12)


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_soft_gradient_is_dsqs(bits: int) -> None:
    quantizer, weight = made(UniformWeights(bits, soft=True))
    d = (HIGH - LOW) / (2**bits - 1)
    s, k = 1 / (1 - SOFTNESS), np.log(2 / SOFTNESS - 1) / d
    inside = (WEIGHT >= LOW) & (WEIGHT <= HIGH)
    middle = LOW + (np.floor((np.clip(WEIGHT, LOW, HIGH) - LOW) / d).clip(0, 2**bits - 2) + 0.5) * d
    tanh = np.tanh(k * (WEIGHT - middle))
    expected = GRADIENT * inside * d / 2 * s * k * (1 - tanh**2)
    assert np.allclose(slope(quantizer, weight), expected, atol=1e-12)


def test_softness_and_ends_learn_through_phi() -> None:
    """Against differences of the soft staircase l + d (i + (phi + 1) / 2) + its distance to the hard one, held constant."""
    quantizer, weight = made(UniformWeights(2, soft=True))
    slope(quantizer, weight)
    d = (HIGH - LOW) / 3
    cell = np.floor((np.clip(WEIGHT, LOW, HIGH) - LOW) / d).clip(0, 2)
    hard = levels(WEIGHT, 2)

    def staircase(low: float, high: float, a: float) -> np.ndarray:
        step = (high - low) / 3
        position = (np.where(WEIGHT < LOW, low, np.where(WEIGHT > HIGH, high, WEIGHT)) - low) / step
        return (np.tanh(np.log(2 / a - 1) * (position - cell - 0.5)) / (1 - a) + 1) / 2 + cell

    def loss(low: float, high: float, a: float) -> float:
        kept = hard - staircase(LOW, HIGH, SOFTNESS)
        return float((GRADIENT * (low + (high - low) / 3 * (staircase(low, high, a) + kept))).sum())

    e = 1e-6
    at = np.array([LOW, HIGH, SOFTNESS])
    differences = [(loss(*(at + e * unit)) - loss(*(at - e * unit))) / (2 * e) for unit in np.eye(3)]
    learned = [quantizer.lower, quantizer.upper, quantizer.softness]
    assert [p.grad.item() for p in learned] == pytest.approx(differences, abs=1e-6)


def test_ends_that_cross_stay_finite() -> None:
    quantizer, weight = made(UniformWeights(2, soft=True))
    quantizer.upper.data.fill_(LOW - 1)
    assert np.isfinite(slope(quantizer, weight)).all()
    assert torch.isfinite(quantizer(weight)).all()


@pytest.mark.parametrize(("bits", "worst"), [(1, 0.38), (2, 0.13), (3, 0.04), (4, 0.012)])
def test_the_start_suits_gaussian_weights(bits: int, worst: float) -> None:
    w = np.random.default_rng(0).normal(size=(100, 200))
    quantizer, weight = bound(UniformWeights(bits), w)
    assert ((quantizer(weight).detach().numpy() - w) ** 2).mean() < worst


def test_no_bits_are_refused() -> None:
    with pytest.raises(UsageError, match="1 to 8 bits here, got 0"):
        UniformWeights(0)

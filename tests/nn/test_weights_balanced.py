"""Balanced signs: standardised per filter, power-of-two scales, gradient through the standardisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR
from neurobin.nn.estimators import POLYNOMIAL, STRAIGHT_THROUGH
from neurobin.nn.weights.balanced import BalancedSign
from tests.nn.quantizers import GRADIENT, WEIGHT, bound, gradient, only, value


def standardised(w: np.ndarray) -> np.ndarray:
    return (w - w.mean(1, keepdims=True)) / w.std(1, ddof=1, keepdims=True)


def powers(w: np.ndarray) -> np.ndarray:
    return 2.0 ** np.rint(np.log2(np.abs(standardised(w)).mean(1, keepdims=True)))


def test_values() -> None:
    expected = powers(WEIGHT) * np.where(standardised(WEIGHT) >= 0, 1, -1)
    assert (value(BalancedSign()) == expected).all()
    assert (value(BalancedSign()) != np.where(WEIGHT >= 0, 1, -1)).any()  # the mean moves the border


def test_a_weight_at_the_mean_is_plus_one() -> None:
    assert value(BalancedSign(), np.array([[-1.0, 0.0, 1.0], [4.0, 5.0, 6.0]])).tolist() == [[-0.5, 0.5, 0.5]] * 2


def test_scales_are_powers_of_two_that_differ_between_filters() -> None:
    spread = np.array([np.arange(64) - 31.5, np.r_[100.0, np.linspace(-1, 1, 63)]])
    scale = only(bound(BalancedSign(), spread)[0].terms(torch.from_numpy(spread).float())).scale
    assert scale.tolist() == powers(spread).ravel().tolist()
    assert len(set(scale.tolist())) == 2
    assert (np.frexp(scale.numpy())[0] == 0.5).all()


def test_term() -> None:
    quantizer, weight = bound(BalancedSign())
    term = only(quantizer.terms(weight))
    assert term.dtype == BIPOLAR
    assert term.scale.tolist() == powers(WEIGHT).ravel().tolist()


@pytest.mark.parametrize("estimator", [STRAIGHT_THROUGH, POLYNOMIAL])
def test_gradient_runs_through_the_standardisation(estimator) -> None:
    v, n, s = standardised(WEIGHT), WEIGHT.shape[1], WEIGHT.std(1, ddof=1, keepdims=True)
    dydv = np.ones_like(v) if estimator is STRAIGHT_THROUGH else np.maximum(2 - 2 * np.abs(v), 0)
    dv = GRADIENT * dydv * powers(WEIGHT)
    # v_j = (w_j - m) / s: dv_j/dw_i = (delta_ij - 1/n - v_i v_j / (n - 1)) / s
    expected = (dv - dv.mean(1, keepdims=True) - v * (dv * v).sum(1, keepdims=True) / (n - 1)) / s
    assert np.allclose(gradient(BalancedSign(estimator)), expected, atol=1e-13)


def test_a_constant_filter_has_scale_one_and_a_finite_gradient() -> None:
    weight = np.array([[3.0, 3.0, 3.0, 3.0], WEIGHT[0], WEIGHT[1]])
    assert value(BalancedSign(), weight)[0].tolist() == [1, 1, 1, 1]
    assert np.isfinite(gradient(BalancedSign(), weight)).all()


def test_filters_of_one_weight_are_refused() -> None:
    with pytest.raises(UsageError, match=r"2 weights and more, got weights \(5, 1, 1, 1\)"):
        BalancedSign().bind(nn.Parameter(torch.ones(5, 1, 1, 1)))

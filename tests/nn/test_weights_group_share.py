"""Filters that become quantized in growing groups."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.nn.weights.group_share import GroupShare
from neurobin.nn.weights.layer_sign import LayerSign
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.power_of_two import PowerOfTwo
from neurobin.nn.weights.sign import SignWeights
from tests.nn.quantizers import GRADIENT, SIGNS, WEIGHT, bound, gradient, value

MAGNITUDES = np.abs(WEIGHT).mean(1, keepdims=True)


def relative_errors(w: np.ndarray) -> np.ndarray:
    q = np.abs(w).mean(1, keepdims=True) * np.where(w >= 0, 1, -1)
    return np.abs(w - q).sum(1) / np.abs(w).sum(1)


@pytest.mark.parametrize(
    ("progress", "count"), [(0, 8), (0.24, 8), (0.25, 12), (0.49, 12), (0.5, 14), (0.74, 14), (0.75, 16), (1, 16)]
)
def test_the_share_of_filters_grows(progress: float, count: int) -> None:
    w = np.random.default_rng(0).normal(size=(16, 9))
    chosen = np.argsort(relative_errors(w))[:count]
    expected = w.copy()
    expected[chosen] = (np.abs(w).mean(1, keepdims=True) * np.where(w >= 0, 1, -1))[chosen]
    assert np.allclose(value(GroupShare(MagnitudeAwareSign()), w, progress), expected, atol=1e-15)


def test_real_filters_have_their_own_gradient() -> None:
    order = np.argsort(relative_errors(WEIGHT))
    assert order.tolist() == [2, 1, 0]
    scheme = GroupShare(SignWeights(), (0.3, 1.0))
    # errors against plain signs: filters 0, 1, 2 have (1 + .5 + .5 + .75) / 2.25, (.75 + .25 + 1) / 4, 1.875 / 2.125
    expected = GRADIENT * (np.abs(WEIGHT) <= 1)
    expected[[0, 2]] = GRADIENT[[0, 2]]
    assert (gradient(scheme, progress=0.0) == expected).all()
    assert (value(scheme, progress=0.0)[[0, 2]] == WEIGHT[[0, 2]]).all()


def test_ties_and_zeros_are_taken_in_order() -> None:
    w = np.array([[1.0, -1.0], [0.0, 0.0], [2.0, -2.0], [1.0, 3.0], [0.0, 1.0]])
    got = value(GroupShare(MagnitudeAwareSign(), (0.4, 1.0)), w, 0.0)
    assert (got == w).all()  # filters 0 and 1 are met exactly: nothing changes
    half = value(GroupShare(LayerSign(), (0.4, 1.0)), w, 0.0)
    assert ((half != w).any(1)).sum() == 2
    assert (half[1] == 0).all()  # a filter of zeros has an infinite error while others have finite ones


def test_what_is_deployed_is_quantized_in_full() -> None:
    quantizer, weight = bound(GroupShare(MagnitudeAwareSign()))
    (term,) = quantizer.terms(weight)
    assert np.allclose(term.values.detach().numpy(), MAGNITUDES * SIGNS, atol=1e-15)
    assert torch.equal(quantizer(weight), term.values)


@pytest.mark.parametrize("shares", [(), (0.5, 0.25, 1.0), (0.5, 0.75), (-0.5, 1.0), (0.0, 1.0), (0.5, 1.0, 1.5)])
def test_shares_rise_from_above_0_to_1(shares: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match=r"shares must rise from above 0 to 1, got \(.*try: \(0\.5, 0\.75"):
        GroupShare(SignWeights(), shares)
    with pytest.raises(UsageError, match="shares must rise from above 0 to 1"):
        PowerOfTwo(shares=shares)

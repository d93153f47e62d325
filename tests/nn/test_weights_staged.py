"""Layers and filters that become quantized on the way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.errors import UsageError
from neurobin.nn.weights.lab import LossAwareSign
from neurobin.nn.weights.layer_sign import LayerSign
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.sign import SignWeights
from neurobin.nn.weights.staged import After, GroupShare
from neurobin.nn.weights.tanh_sign import TanhSignWeights
from tests.nn.quantizers import GRADIENT, SIGNS, WEIGHT, bound, gradient, value

MAGNITUDES = np.abs(WEIGHT).mean(1, keepdims=True)


@pytest.mark.parametrize("progress", [0.0, 0.39, 0.4, 0.7, 1.0])
def test_after(progress: float) -> None:
    scheme = After(0.4, SignWeights())
    real = progress < 0.4
    assert (value(scheme, progress=progress) == (WEIGHT if real else SIGNS)).all()
    assert (gradient(scheme, progress=progress) == GRADIENT * (real | (np.abs(WEIGHT) <= 1))).all()
    quantizer, weight = bound(scheme)
    assert (quantizer.terms(weight)[0].codes.detach().numpy() == SIGNS).all()


def test_after_passes_the_progress_on_and_keeps_state() -> None:
    assert np.allclose(value(After(0.2, TanhSignWeights()), progress=1 / 3), np.tanh(10 * WEIGHT), atol=1e-12)
    quantizer, _ = bound(After(0.2, LossAwareSign()))
    assert isinstance(quantizer, nn.Module)
    assert list(quantizer.state_dict()) == ["quantizer.curvature"]
    assert (value(After(1, SignWeights()), progress=0.999) == WEIGHT).all()
    assert (value(After(1, SignWeights()), progress=1.0) == SIGNS).all()


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


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match=r"in \[0, 1\], got 1.5"):
        After(1.5, SignWeights())
    for shares in [(), (0.5, 0.25, 1.0), (0.5, 0.75), (-0.5, 1.0)]:
        with pytest.raises(UsageError, match="shares grow"):
            GroupShare(SignWeights(), shares)

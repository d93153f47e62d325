"""Loss-aware signs: the scale that the curvature asks for."""

from __future__ import annotations

import numpy as np
import torch

from neurobin.ir import BIPOLAR
from neurobin.nn.estimators import CLIPPED
from neurobin.nn.weights.lab import LossAwareQuantizer, LossAwareSign
from tests.nn.quantizers import GRADIENT, SIGNS, WEIGHT, bound, gradient, only, value

CURVATURE = np.array([[0.5, 1.0, 2.0, 0.25], [1.0, 1.0, 4.0, 0.125], [3.0, 0.5, 0.5, 1.0]])


def test_without_curvature_the_scale_is_the_mean_magnitude() -> None:
    assert np.allclose(value(LossAwareSign()), np.abs(WEIGHT).mean() * SIGNS, atol=1e-15)


def test_the_curvature_weights_the_scale() -> None:
    quantizer, weight = bound(LossAwareSign())
    assert isinstance(quantizer, LossAwareQuantizer)
    quantizer.curvature.copy_(torch.from_numpy(CURVATURE))
    alpha = (CURVATURE * np.abs(WEIGHT)).sum() / CURVATURE.sum()
    assert np.allclose(quantizer(weight).detach().numpy(), alpha * SIGNS, atol=1e-15)
    term = only(quantizer.terms(weight))
    assert term.dtype == BIPOLAR
    # prop. 3.1: alpha minimises the curvature-weighted squared distance
    errors = [(CURVATURE * (WEIGHT - a * SIGNS) ** 2).sum() for a in (alpha - 1e-3, alpha, alpha + 1e-3)]
    assert min(errors) == errors[1]
    assert "curvature" in quantizer.state_dict()


def test_gradient() -> None:
    assert (gradient(LossAwareSign()) == GRADIENT).all()
    assert (gradient(LossAwareSign(CLIPPED)) == GRADIENT * (np.abs(WEIGHT) <= 1)).all()

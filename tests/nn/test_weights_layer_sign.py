"""DoReFa's one-bit weights: one scale per layer, gradient without it."""

from __future__ import annotations

import numpy as np

from neurobin.ir import BIPOLAR
from neurobin.nn.estimators import CLIPPED
from neurobin.nn.weights.layer_sign import LayerSign
from tests.nn.quantizers import GRADIENT, SIGNS, WEIGHT, bound, gradient, only, value


def test_values() -> None:
    assert (value(LayerSign()) == np.abs(WEIGHT).mean() * SIGNS).all()
    quantizer, weight = bound(LayerSign())
    term = only(quantizer.terms(weight))
    assert term.dtype == BIPOLAR
    assert (term.codes.detach().numpy() == SIGNS).all()
    assert term.scale.tolist() == [np.abs(WEIGHT).mean()]


def test_gradient() -> None:
    assert (gradient(LayerSign()) == GRADIENT).all()
    assert (gradient(LayerSign(CLIPPED)) == GRADIENT * (np.abs(WEIGHT) <= 1)).all()

"""Self-binarizing weights: tanh that sharpens to the sign."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.ir import BIPOLAR
from neurobin.nn.weights.tanh_sign import TanhSignWeights
from tests.nn.quantizers import GRADIENT, SIGNS, WEIGHT, bound, gradient, only, value


@pytest.mark.parametrize(("progress", "nu"), [(0.0, 1.0), (1 / 3, 10.0), (2 / 3, 100.0)])
def test_on_the_way(progress: float, nu: float) -> None:
    assert np.allclose(value(TanhSignWeights(), progress=progress), np.tanh(nu * WEIGHT), atol=1e-12)
    expected = GRADIENT * nu / np.cosh(nu * WEIGHT) ** 2
    assert np.allclose(gradient(TanhSignWeights(), progress=progress), expected, atol=1e-12)


def test_at_the_end_it_is_the_sign() -> None:
    assert (value(TanhSignWeights()) == SIGNS).all()
    small = WEIGHT / 1000
    assert np.allclose(gradient(TanhSignWeights(), small), GRADIENT * 1000 / np.cosh(WEIGHT) ** 2, atol=1e-9)
    quantizer, weight = bound(TanhSignWeights())
    term = only(quantizer.terms(weight))
    assert (term.dtype, term.scale.tolist()) == (BIPOLAR, [1])


def test_another_range_of_sharpness() -> None:
    assert np.allclose(value(TanhSignWeights(2, 8), progress=0.5), np.tanh(4 * WEIGHT), atol=1e-12)

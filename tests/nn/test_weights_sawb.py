"""Statistics-aware binning: the fitted clip and the levels below it."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import UsageError
from neurobin.ir import DType, Encoding
from neurobin.nn.estimators import CLIPPED
from neurobin.nn.weights.sawb import COEFFICIENTS, SawbWeights
from tests.nn.quantizers import GRADIENT, WEIGHT, bound, gradient, only, value


def clip_of(w: np.ndarray, bits: int) -> float:
    first, second = COEFFICIENTS[bits]
    return float(first * np.sqrt((w**2).mean()) - second * np.abs(w).mean())


@pytest.mark.parametrize("bits", [2, 3, 4, 5])
def test_values(bits: int) -> None:
    steps, a = 2**bits - 1, clip_of(WEIGHT, bits)
    assert a > 0
    expected = a * (2 * np.rint(steps * (np.clip(WEIGHT / a, -1, 1) + 1) / 2) / steps - 1)
    assert np.allclose(value(SawbWeights(bits)), expected, atol=1e-14)
    quantizer, weight = bound(SawbWeights(bits))
    term = only(quantizer.terms(weight))
    assert term.dtype == DType(Encoding.BIPOLAR, bits)
    assert term.dtype.holds(term.codes.detach().numpy().astype(int))
    assert term.scale.item() == pytest.approx(a / steps)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_the_clip_is_near_the_best_for_gaussian_weights(bits: int) -> None:
    w = np.random.default_rng(0).normal(size=(100, 200))

    def error(a: float) -> float:
        steps = 2**bits - 1
        return float(((w - a * (2 * np.rint(steps * (np.clip(w / a, -1, 1) + 1) / 2) / steps - 1)) ** 2).mean())

    best = min(error(a) for a in np.linspace(0.5, 4, 141))
    assert error(clip_of(w, bits)) < 1.1 * best


def test_gradient() -> None:
    assert (gradient(SawbWeights(2)) == GRADIENT).all()
    a = clip_of(WEIGHT, 2)
    assert 0.75 < a < 2
    assert (gradient(SawbWeights(2, CLIPPED)) == GRADIENT * (np.abs(WEIGHT) <= a)).all()


def test_weights_of_one_magnitude_keep_it() -> None:
    weight = np.array([[0.5, -0.5], [0.5, 0.5]])
    assert clip_of(weight, 4) < 0
    assert np.allclose(value(SawbWeights(4), weight), weight, atol=1e-15)


def test_other_widths_are_refused() -> None:
    with pytest.raises(UsageError, match=r"2 to 5 bits, got 1 \(try: LayerSign"):
        SawbWeights(1)

"""Layers that become quantized on the way."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from neurobin.errors import UsageError
from neurobin.nn.weights.after import After
from neurobin.nn.weights.lab import LossAwareSign
from neurobin.nn.weights.sign import SignWeights
from neurobin.nn.weights.tanh_sign import TanhSignWeights
from tests.nn.quantizers import GRADIENT, SIGNS, WEIGHT, bound, gradient, value


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


def test_a_start_outside_the_training_is_refused() -> None:
    with pytest.raises(UsageError, match=r"in \[0, 1\], got 1.5"):
        After(1.5, SignWeights())

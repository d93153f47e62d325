"""Trained ternary weights: two learned scales, as two terms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.ir import BINARY
from neurobin.nn.weights.ttq import TrainedTernary, TrainedTernaryQuantizer
from tests.nn.quantizers import GRADIENT, WEIGHT, bound, slope

THRESHOLD = 0.25  # delta = 0.5, which three weights meet exactly
ABOVE, BELOW = WEIGHT > 0.5, WEIGHT < -0.5
UP, DOWN = 0.75, 1.25


def quantizer():
    made, weight = bound(TrainedTernary(THRESHOLD))
    assert isinstance(made, TrainedTernaryQuantizer)
    with torch.no_grad():
        made.positive.fill_(UP)
        made.negative.fill_(DOWN)
    return made, weight


def test_values_and_terms() -> None:
    made, weight = quantizer()
    assert (made(weight).detach().numpy() == UP * ABOVE - DOWN * BELOW).all()
    above, below = made.terms(weight)
    assert (above.dtype, below.dtype) == (BINARY, BINARY)
    assert (above.codes.numpy() == ABOVE).all()
    assert (below.codes.numpy() == BELOW).all()
    assert (above.scale.tolist(), below.scale.tolist()) == ([UP], [-DOWN])


def test_a_tie_with_the_threshold_is_zero() -> None:
    made, weight = quantizer()
    ties = np.abs(WEIGHT) == 0.5
    assert ties.sum() == 4
    assert not made(weight).detach().numpy()[ties].any()


def test_gradients() -> None:
    made, weight = quantizer()
    factor = np.where(ABOVE, UP, np.where(BELOW, DOWN, 1.0))
    assert (slope(made, weight) == GRADIENT * factor).all()
    assert made.positive.grad is not None
    assert made.negative.grad is not None
    assert made.positive.grad.item() == GRADIENT[ABOVE].sum()
    assert made.negative.grad.item() == -GRADIENT[BELOW].sum()


def test_scales_start_at_the_mean_of_what_they_stand_for() -> None:
    made, _ = bound(TrainedTernary(THRESHOLD))
    assert isinstance(made, TrainedTernaryQuantizer)
    assert made.positive.item() == np.abs(WEIGHT[ABOVE]).mean()
    assert made.negative.item() == np.abs(WEIGHT[BELOW]).mean()


def test_the_papers_threshold() -> None:
    weight = np.array([[1.0, 0.051, 0.05, -0.05, -0.051, 0.0]])
    made, parameter = bound(TrainedTernary(), weight)
    assert [term.codes.tolist() for term in made.terms(parameter)] == [[[1, 1, 0, 0, 0, 0]], [[0, 0, 0, 0, 1, 0]]]
    with pytest.raises(UsageError, match=r"in \[0, 1\), got 1"):
        TrainedTernary(1.0)

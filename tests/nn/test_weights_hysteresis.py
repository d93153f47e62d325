"""Trinary weights with hysteresis: a code changes only when its weight has left the border's neighbourhood."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.errors import UsageError
from neurobin.ir import TERNARY
from neurobin.nn.weights.hysteresis import HysteresisQuantizer, HysteresisTernary
from tests.nn.quantizers import GRADIENT, WEIGHT, gradient, only

PATH = [0.0, 0.45, 0.59, 0.6, 0.55, 0.41, 0.4, 0.55, 0.7, -0.5, -0.59, -0.6, -0.5, -0.41, -0.4, -0.55, 0.61]
CODES = [0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, -1, -1, -1, 0, 0, 1]


def made(*start: float) -> tuple[HysteresisQuantizer, nn.Parameter]:
    """The quantizer of weights drawn anew, with the codes that `start` has without hysteresis."""
    weight = nn.Parameter(torch.zeros(1, len(start), dtype=torch.float64))
    quantizer = HysteresisTernary().bind(weight)
    assert isinstance(quantizer, HysteresisQuantizer)
    with torch.no_grad():
        weight.copy_(torch.tensor([start]))
    return HysteresisQuantizer(weight, quantizer.scheme), weight


def test_codes_along_a_path() -> None:
    quantizer, weight = made(0.0)
    seen = []
    for x in PATH:
        weight.data.fill_(x)
        seen.append(int(quantizer(weight).item()))
    assert seen == CODES


def test_before_the_first_step_the_nearest_code_counts() -> None:
    quantizer, weight = made(0.49, 0.5, -0.49, -0.5, 0.0, 1.0)
    assert quantizer(weight).tolist() == [[0, 1, 0, -1, 0, 1]]


def test_evaluation_moves_no_code() -> None:
    quantizer, weight = made(0.0)
    quantizer.eval()
    weight.data.fill_(1.0)
    assert quantizer(weight).item() == 1
    assert only(quantizer.terms(weight)).codes.item() == 1
    weight.data.fill_(0.5)
    assert quantizer(weight).item() == 0  # the code that the last training step left
    assert only(quantizer.terms(weight)).codes.item() == 0


def test_terms_after_a_step_are_its_values() -> None:
    quantizer, weight = made(*np.linspace(-1, 1, 41))
    weight.data.mul_(-1)
    values = quantizer(weight)
    term = only(quantizer.terms(weight))
    assert (term.values == values).all()
    assert term.dtype == TERNARY
    assert term.scale.tolist() == [1]


def test_codes_travel_with_the_checkpoint() -> None:
    quantizer, weight = made(0.0)
    weight.data.fill_(0.7)
    quantizer(weight)
    other, _ = made(0.0)
    other.load_state_dict(quantizer.state_dict())
    weight.data.fill_(0.55)
    assert other(weight).item() == 1


def test_gradient_and_spread() -> None:
    assert (gradient(HysteresisTernary()) == GRADIENT * (np.abs(WEIGHT) <= 1)).all()
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(64, 64))
    quantizer = HysteresisTernary().bind(weight)
    assert weight.abs().max() <= 1
    assert [(quantizer(weight) == c).float().mean().item() for c in (-1, 0, 1)] == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_too_much_hysteresis_is_refused() -> None:
    with pytest.raises(UsageError, match=r"in \[0, 0.5\), got 0.5 \(try: 0.1\)"):
        HysteresisTernary(0.5)

"""LQ-Nets weights: nearest levels, moving scales, and what a checkpoint must hold."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neurobin.errors import UsageError
from neurobin.nn.weights.learned_bases import LearnedBases, LearnedBasesQuantizer
from neurobin.nn.weights.quantizer import total


def bound(bits: int, seed: int = 0, filters: int = 4, n: int = 12) -> tuple[LearnedBasesQuantizer, nn.Parameter]:
    weight = nn.Parameter(torch.randn(filters, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))
    return LearnedBases(bits).bind(weight), weight


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 999), bits=st.integers(1, 4))
def test_each_weight_takes_the_nearest_level(seed: int, bits: int) -> None:
    quantizer, weight = bound(bits, seed)
    quantizer.basis.copy_(torch.randn(4, bits, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 1)))
    value = total(quantizer.terms(weight)).detach().numpy()
    for row, basis, found in zip(weight.detach().numpy(), quantizer.basis.numpy(), value, strict=True):
        levels = np.array([np.dot(signs, basis) for signs in product([-1, 1], repeat=bits)])
        nearest = np.abs(row[:, None] - levels).min(1)
        assert np.allclose(np.abs(row - found), nearest, atol=1e-12)


def test_midpoints_take_the_upper_level() -> None:
    weight = nn.Parameter(torch.tensor([[-2.0, -1.0, 0.0, 1.0, 2.0]]))
    quantizer = LearnedBases(2).bind(weight)
    quantizer.basis.copy_(torch.tensor([[0.5, 1.0]]))  # levels -1.5, -0.5, 0.5, 1.5; midpoints -1, 0, 1
    assert total(quantizer.terms(weight)).tolist() == [[-1.5, -0.5, 0.5, 1.5, 1.5]]


def test_scales_start_where_a_normal_layer_needs_them() -> None:
    weight = nn.Parameter(torch.full((3, 4), 2.0))
    quantizer = LearnedBases(2).bind(weight)
    assert np.allclose(quantizer.basis.numpy(), [[0.6745, 1.349]] * 3, atol=1e-6)


def test_training_moves_the_scales_a_tenth_of_the_way() -> None:
    quantizer, weight = bound(2)
    before, w = quantizer.basis.numpy().copy(), weight.detach().numpy()
    signs = [
        np.stack([(term.codes * term.scale.sign()[:, None])[o].numpy() for term in quantizer.terms(weight)])
        for o in range(4)
    ]
    value = quantizer(weight, 0.5)
    for o, b in enumerate(signs):
        fitted = np.linalg.solve(b @ b.T + 1e-4 * np.eye(2), b @ w[o])
        assert np.allclose(quantizer.basis[o].numpy(), 0.9 * before[o] + 0.1 * fitted, atol=1e-12)
    assert torch.equal(value, total(quantizer.terms(weight)))  # the value is already that of the moved scales


def test_the_error_falls_while_the_scales_move() -> None:
    quantizer, weight = bound(3, filters=6, n=200)
    errors = [(quantizer(weight, 0.5) - weight).square().sum().item() for _ in range(60)]
    assert errors[-1] < 0.5 * errors[0]


def test_inference_and_the_end_of_training_move_nothing() -> None:
    quantizer, weight = bound(2)
    before = quantizer.basis.clone()
    quantizer(weight, 1.0)
    quantizer.eval()(weight, 0.5)
    assert torch.equal(quantizer.basis, before)


def test_gradient_passes_straight_through() -> None:
    quantizer, weight = bound(2)
    gradient = torch.arange(48, dtype=torch.float64).view(4, 12)
    quantizer(weight, 0.3).backward(gradient)  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert torch.equal(weight.grad, gradient)


def test_a_checkpoint_holds_the_scales() -> None:
    quantizer, weight = bound(2)
    for _ in range(5):
        quantizer(weight, 0.5)
    again, _ = bound(2, seed=9)
    again.load_state_dict(quantizer.state_dict())
    assert torch.equal(again(weight, 0.6), quantizer(weight, 0.6))


def test_a_layer_of_zeros_stays_finite() -> None:
    weight = nn.Parameter(torch.zeros(2, 5))
    quantizer = LearnedBases(2).bind(weight)
    for _ in range(3):
        assert (quantizer(weight, 0.5) == 0).all()


def test_autocast_changes_nothing() -> None:
    one, weight = bound(2)
    other, _ = bound(2)
    with torch.autocast("cpu", torch.bfloat16):
        inside = one.float()(weight.float(), 0.5)
    assert torch.equal(inside, other.float()(weight.float(), 0.5))


def test_bits_are_bounded() -> None:
    with pytest.raises(UsageError, match="1 to 4 bits"):
        LearnedBases(5)

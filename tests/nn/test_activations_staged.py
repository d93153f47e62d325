"""Activations that are real first: Self-Binarizing's tanh, and stages of real functions before a quantizer."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.ir import FLOAT64
from neurobin.nn.activations.pact import PactActivation
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.activations.staged import StagedActivation, leaky_clip
from neurobin.nn.activations.tanh_sign import TanhSign
from neurobin.train.loop import set_progress
from tests.nn.test_emit import check, normal

X = torch.tensor([-3.0, -1.0, -0.25, -0.0, 0.0, 0.5, 2.0], dtype=torch.float64)
SIGNS = [-1, -1, -1, 1, 1, 1, 1]
STAGES = ((0.25, torch.relu), (0.5, leaky_clip), (0.75, functional.hardtanh))


def test_tanh_sharpens_with_the_progress_and_ends_as_sign() -> None:
    layer = TanhSign(1).train()
    for progress, nu in ((0.0, 1), (1 / 3, 10), (2 / 3, 100)):
        set_progress(layer, progress)
        x = X.clone().requires_grad_()
        y = layer(x)
        assert torch.allclose(y, torch.tanh(nu * X))
        y.sum().backward()
        assert x.grad is not None
        assert torch.allclose(x.grad, nu * (1 - torch.tanh(nu * X) ** 2))
        assert layer.eval()(X).tolist() == SIGNS
        layer.train()
    set_progress(layer, 1.0)
    assert layer(X).tolist() == SIGNS
    check(layer, normal(3, 5, 4, 2), FLOAT64)


def test_leaky_clip() -> None:
    assert leaky_clip(X).tolist() == pytest.approx([-1.2, -1, -0.25, 0, 0, 0.5, 1.1])


def test_stages_follow_the_progress() -> None:
    layer = StagedActivation(1, SignActivation, STAGES).train()
    expected = {0.0: torch.relu(X), 0.25: leaky_clip(X), 0.4999: leaky_clip(X), 0.5: functional.hardtanh(X)}
    for progress, y in expected.items():
        set_progress(layer, progress)
        assert torch.equal(layer(X), y)
        assert layer.eval()(X).tolist() == SIGNS
        layer.train()
    for progress in (0.75, 0.9, 1.0):
        set_progress(layer, progress)
        assert layer.quantizer.progress == progress
        assert layer(X).tolist() == SIGNS


def test_a_staged_quantizer_keeps_its_parameters_and_emits_itself() -> None:
    layer = StagedActivation(5, partial(PactActivation, bits=2), STAGES)
    assert [name for name, _ in layer.named_parameters()] == ["quantizer.alpha"]
    check(layer, normal(3, 5, 4, 2), FLOAT64)
    set_progress(layer, 0.1)
    check(layer, normal(3, 5, 4, 2), FLOAT64)  # in evaluation the quantizer acts at any time


@pytest.mark.parametrize("limits", [(0.5, 0.25), (0.0,), (0.5, 0.5), (1.5,)])
def test_limits_ascend(limits: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match=r"ascending shares of the training within \(0, 1\]"):
        StagedActivation(1, SignActivation, [(limit, torch.relu) for limit in limits])

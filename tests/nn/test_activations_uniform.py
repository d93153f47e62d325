"""Uniform activations of k bits with a fixed or learned range: PACT, HWGQ, DSQ, and the {0, 1} step."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from torch import nn

from neurobin.errors import UsageError
from neurobin.ir import BINARY, FLOAT64, Builder, TensorType
from neurobin.nn.activations.dsq import DsqActivation
from neurobin.nn.activations.hwgq import STEPS, HwgqActivation
from neurobin.nn.activations.pact import PactActivation
from neurobin.nn.activations.step import StepActivation
from neurobin.nn.estimators import log_tailed_relu
from tests.nn.test_emit import check, normal

X = np.array([-2.0, -0.5, -0.0, 0.0, 0.25, 0.5, 0.75, 1.25, 1.5, 2.0, 2.25, 9.0])


def column(values: np.ndarray = X) -> torch.Tensor:
    return torch.from_numpy(values[:, None].copy()).requires_grad_()


def forward(layer: nn.Module, x: torch.Tensor) -> np.ndarray:
    layer.double()
    y: torch.Tensor = layer(x)
    y.sum().backward()
    return y.detach().numpy()[:, 0]


def slope(x: torch.Tensor) -> np.ndarray:
    assert x.grad is not None
    return x.grad.numpy()[:, 0]


BLOCKS = [
    StepActivation,
    *(partial(HwgqActivation, bits=bits) for bits in STEPS),
    *(partial(PactActivation, bits=bits, start=1.5) for bits in (1, 2, 4)),
    *(partial(DsqActivation, bits=bits, start=1.5) for bits in (1, 2, 4)),
]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 4, 2)])
def test_the_emitted_graph_is_the_module(block, shape):
    check(block(5), normal(*shape), FLOAT64)  # eighths: values fall on thresholds of 1.5 / 3 (i - 1/2)


def test_step_fires_at_zero_with_the_triangles_slope():
    x = column()
    assert forward(StepActivation(1), x).tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert slope(x).tolist() == [0, 0.5, 1, 1, 0.75, 0.5, 0.25, 0, 0, 0, 0, 0]
    b = Builder({"x": TensorType((1,), FLOAT64)})
    assert b.types[StepActivation(1).emit(b, "x")].dtype == BINARY


def test_pact_clips_at_its_learned_bound():
    layer, x = PactActivation(1, 2, start=1.5), column()
    # levels 0, 0.5, 1, 1.5 with thresholds 0.25, 0.75, 1.25, which belong to the upper level
    assert forward(layer, x).tolist() == [0, 0, 0, 0, 0.5, 0.5, 1, 1.5, 1.5, 1.5, 1.5, 1.5]
    assert slope(x).tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    assert layer.alpha.grad == 4  # as many values as lie at alpha or above


@pytest.mark.parametrize("layer", [PactActivation(1, 2), DsqActivation(1, 2)], ids=repr)
def test_a_learned_range_stays_positive_and_finds_its_way_back(layer):
    bound = layer.alpha if isinstance(layer, PactActivation) else layer.upper
    bound.data.fill_(-1.0)
    y = forward(layer, column())
    assert (y >= 0).all()
    assert 0 < y.max() < 0.01
    assert bound.grad > 0
    check(layer, normal(3, 1), FLOAT64)


def test_hwgq_takes_the_papers_levels_and_strict_borders():
    cells = np.array([-1.0, 0.0, 1e-9, 0.807, 0.8071, 1.345, 1.3451, 1.614, 1.615, 5.0])
    layer, x = HwgqActivation(1), column(cells)
    layer.borders = [0.0, 0.807, 1.345]  # to the digits that are printed; 1.5 * 0.538 is an ulp above
    assert np.allclose(forward(layer, x), 0.538 * np.array([0, 0, 1, 1, 2, 2, 3, 3, 3, 3]), atol=1e-12)
    assert slope(x).tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 0, 0]
    check(layer, cells[:, None], FLOAT64)
    assert HwgqActivation(1).borders == pytest.approx([0, 0.807, 1.345])


def test_hwgq_with_a_log_tail_keeps_some_slope_beyond_the_top():
    x = column()
    forward(HwgqActivation(1, estimator=log_tailed_relu(1.614)), x)
    assert slope(x)[-1] == pytest.approx(1 / (9 - 0.614))


@pytest.mark.parametrize(("bits", "step"), STEPS.items())
def test_hwgq_steps_minimise_the_error_on_half_a_normal_distribution(bits, step):
    def error(d: float) -> float:
        levels = d * np.arange(1, 2**bits)
        borders = np.concatenate([[0], levels[:-1] + d / 2, [np.inf]])
        mass, mean = np.diff(norm.cdf(borders)), -np.diff(norm.pdf(borders))
        return float((levels**2 * mass - 2 * levels * mean).sum())

    assert step == pytest.approx(minimize_scalar(error, bounds=(0.05, 1.5), method="bounded").x, abs=1e-3)


def test_dsq_rounds_and_passes_the_smooth_staircases_slope():
    layer, x = DsqActivation(1, 2, start=1.5), column()
    assert forward(layer, x).tolist() == [0, 0, 0, 0, 0.5, 0.5, 1, 1.5, 1.5, 1.5, 1.5, 1.5]
    k, s = np.log(2 / 0.2 - 1), 1 / (1 - 0.2)
    at = X / 0.5 - np.floor(X / 0.5) - 0.5  # from the middle of its cell, in steps
    inside = (X >= 0) & (X < 1.5)
    assert np.allclose(slope(x), np.where(inside, s * k / 2 * (1 - np.tanh(k * at) ** 2), 0), rtol=1e-6)


def test_dsq_learns_its_range_and_steepness_by_the_soft_staircase():
    layer = DsqActivation(1, 2, start=1.4).double()
    x = torch.linspace(-0.5, 2, 40, dtype=torch.float64)[:, None]
    weight = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    (layer(x) * weight).sum().backward()

    def soft(upper: float, alpha: float) -> float:
        step = upper / 3
        inside = np.clip(x.numpy(), 0, upper) / step
        centre = np.floor(np.minimum(inside, 3 - 1e-9)) + 0.5
        wave = np.tanh(np.log(2 / alpha - 1) * (inside - centre)) / (1 - alpha)
        return float((step * (centre + wave / 2) * weight.numpy()).sum())

    d = 1e-6
    upper, alpha = layer.upper.item(), layer.alpha.item()
    assert float(layer.alpha.grad) == pytest.approx((soft(upper, alpha + d) - soft(upper, alpha - d)) / (2 * d), rel=1e-5)
    assert float(layer.upper.grad) == pytest.approx((soft(upper + d, alpha) - soft(upper - d, alpha)) / (2 * d), rel=1e-4)


@pytest.mark.parametrize("block", [PactActivation, DsqActivation, HwgqActivation])
def test_impossible_widths_are_refused(block):
    for bits in (0, 9):
        with pytest.raises(UsageError, match=f"activations have 1 to . bits here, got {bits}"):
            block(1, bits)

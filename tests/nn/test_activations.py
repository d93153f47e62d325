"""Activations against their formulas, values and gradients, on grids that hold the ties."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.activations.sign import SignActivation

GRID = np.array([-2.0, -1.0, -0.75, -0.5, -0.0, 0.0, 0.25, 0.5, 1.0, 1.5])


def grid(channels: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.repeat(GRID[:, None], channels, 1)).requires_grad_()


def test_sign_and_its_clipped_gradient() -> None:
    x = grid()
    y = SignActivation(1)(x)
    assert y[:, 0].tolist() == [-1, -1, -1, -1, 1, 1, 1, 1, 1, 1]
    y.sum().backward()
    assert x.grad is not None
    assert x.grad[:, 0].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 1, 0]


def test_rsign_compares_with_its_threshold() -> None:
    layer = RSign(2).double()
    layer.threshold.data = torch.tensor([0.25, -0.75], dtype=torch.float64)
    x = grid(2)
    y = layer(x)
    assert (y[:, 0].detach().numpy() == np.where(GRID >= 0.25, 1, -1)).all()
    assert (y[:, 1].detach().numpy() == np.where(GRID >= -0.75, 1, -1)).all()
    y.sum().backward()
    slopes = np.maximum(0, 2 - 2 * np.abs(GRID[:, None] - [0.25, -0.75]))
    assert x.grad is not None
    assert layer.threshold.grad is not None
    assert (x.grad.numpy() == slopes).all()
    assert (layer.threshold.grad.numpy() == -slopes.sum(0)).all()


def test_rprelu() -> None:
    layer = RPReLU(1).double()
    layer.gamma.data[:], layer.slope.data[:], layer.zeta.data[:] = 0.5, 0.125, -3.0
    expected = np.where(GRID > 0.5, GRID - 0.5 - 3, 0.125 * (GRID - 0.5) - 3)
    assert (layer(grid()).detach().numpy()[:, 0] == expected).all()


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_dorefa_activation(bits: int) -> None:
    steps = 2**bits - 1
    x = grid()
    y = DorefaActivation(1, bits)(x)
    assert (y.detach().numpy()[:, 0] == np.rint(steps * np.clip(GRID, 0, 1)) / steps).all()
    y.sum().backward()
    assert x.grad is not None
    assert (x.grad.numpy()[:, 0] == ((GRID >= 0) & (GRID <= 1))).all()


def test_dorefa_rounds_half_to_even() -> None:
    x = torch.tensor([0.5, 1.5, 2.5], dtype=torch.float64) / 3
    assert (DorefaActivation(1, 2)(x) * 3).round().tolist() == [0, 2, 2]


def test_dorefa_refuses_nine_bits() -> None:
    with pytest.raises(UsageError, match="1 to 8 bits"):
        DorefaActivation(1, 9)

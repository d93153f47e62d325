"""TSQ's sparse activations: the zeros reach up to a learned threshold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.ir import FLOAT64
from neurobin.nn.activations.hwgq import HwgqActivation
from neurobin.nn.activations.sparse_hwgq import SparseHwgq
from tests.nn.test_emit import check, normal

X = torch.tensor([-1.0, 0.0, 0.1, 0.25, 0.26, 0.3, 0.52, 0.6, 0.9, 1.4, 1.6, 5.0], dtype=torch.float64)[:, None]


def test_levels_and_the_strict_threshold() -> None:
    layer = SparseHwgq(1).double()
    layer.threshold.data.fill_(0.25)
    expected = 0.538 * np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 3, 3])
    assert np.allclose(layer(X).detach().numpy()[:, 0], expected, atol=1e-12)


def test_gradients() -> None:
    layer, x = SparseHwgq(1).double(), X.clone().requires_grad_()
    layer.threshold.data.fill_(0.4)
    weight = torch.arange(1.0, 13.0, dtype=torch.float64)
    (layer(x)[:, 0] * weight).sum().backward()  # type: ignore[no-untyped-call]
    near = (X[:, 0] - 0.4).abs() <= 0.269
    others = ((X[:, 0] - 0.807).abs() <= 0.269).double() + ((X[:, 0] - 1.345).abs() <= 0.269).double()
    assert x.grad is not None
    assert torch.equal(x.grad[:, 0], weight * (near.double() + others))
    assert layer.threshold.grad is not None
    assert layer.threshold.grad.item() == -weight[near].sum().item()


def test_the_start_has_the_slope_of_hwgq() -> None:
    values = torch.linspace(-0.5, 3, 97, dtype=torch.float64)[:, None]  # no value at a border of a window
    slopes = []
    for layer in (SparseHwgq(1), HwgqActivation(1)):
        x = values.clone().requires_grad_()
        layer.double()(x).sum().backward()
        assert x.grad is not None
        slopes.append(x.grad)
    assert torch.equal(*slopes)


@pytest.mark.parametrize("threshold", [-3.0, 0.0, 0.3, 7.0])
@pytest.mark.parametrize("bits", [1, 2, 3])
def test_the_emitted_graph_is_the_module(bits: int, threshold: float) -> None:
    layer = SparseHwgq(5, bits)
    layer.threshold.data.fill_(threshold)  # beyond its bounds too
    check(layer, normal(3, 5, 4, 2), FLOAT64)


def test_a_threshold_beyond_its_bounds_finds_its_way_back() -> None:
    layer = SparseHwgq(1).double()
    layer.threshold.data.fill_(-1.0)
    layer(X).sum().backward()
    assert layer.threshold.grad is not None
    assert layer.threshold.grad != 0


def test_bits_are_bounded() -> None:
    with pytest.raises(UsageError, match="1 to 4 bits"):
        SparseHwgq(1, 5)

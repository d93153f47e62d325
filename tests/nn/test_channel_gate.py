"""Gates: what is closed is zero, and the gradient that a gate gets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.exec import reference
from neurobin.ir import FLOAT64, Builder, TensorType
from neurobin.nn.layers.channel_gate import ChannelGate


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2, 5)])
def test_closed_channels_are_zero_and_gates_get_the_gradient_of_a_factor(shape: tuple[int, ...]) -> None:
    layer = ChannelGate(4).double()
    layer.open.copy_(torch.tensor([1.0, 0.0, 1.0, 0.0]))
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    up = torch.randn(shape, dtype=torch.float64)
    y = layer(x)
    y.backward(up)
    kept = layer.open.view(1, -1, *[1] * (len(shape) - 2))
    assert torch.equal(y, x * kept)
    torch.testing.assert_close(x.grad, up * kept)
    torch.testing.assert_close(layer.gate.grad, (x * up).detach().transpose(0, 1).flatten(1).sum(1))


def test_graph() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 4))
    layer = ChannelGate(4).eval()
    b = Builder({"x": TensorType((3, 3, 4), FLOAT64)})
    assert layer.emit(b, "x") == "x"
    layer.open[2] = 0
    graph = b.graph(layer.emit(b, "x"))
    assert np.array_equal(reference.run(graph, x), x * np.array([1, 1, 0, 1]))

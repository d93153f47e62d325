"""Convolutions whose scale depends on the input or the position: their formulas, and what they emit."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.exec import reference
from neurobin.frontend.torch import from_torch
from neurobin.ir import BIPOLAR, FLOAT64, Builder, TensorType
from neurobin.nets.sized import Sized
from neurobin.nets.task import Task
from neurobin.nn.layers.gated_conv import GatedConv2d
from neurobin.nn.layers.planes_conv import PlanesConv2d
from neurobin.nn.layers.rank_one_conv import RankOneConv2d
from neurobin.nn.layers.residual_planes import ResidualPlanes
from neurobin.nn.layers.shifted_planes import ShiftedPlanes
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.real import RealWeights
from neurobin.nn.weights.shifted_bases import ShiftedBases
from tests.nn.test_emit import check, normal, randomise

RULES = [
    partial(ShiftedPlanes, count=1),
    partial(ShiftedPlanes, count=3),
    partial(ResidualPlanes, order=1),
    partial(ResidualPlanes, order=2),
    partial(ResidualPlanes, order=4),
]
geometry = {
    "kernel": st.integers(1, 3),
    "stride": st.integers(1, 2),
    "groups": st.sampled_from([1, 2, 4]),
    "padded": st.booleans(),
    "seed": st.integers(0, 99),
}


def signs(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("weights", [MagnitudeAwareSign(), ShiftedBases(3)], ids=repr)
@settings(max_examples=8, deadline=None)
@given(**geometry)
def test_planes_conv(rule, weights, kernel, stride, groups, padded, seed) -> None:
    padding = kernel // 2 if padded else 0
    layer = PlanesConv2d(8, 4, kernel, planes=rule, weights=weights, stride=stride, padding=padding, groups=groups)
    randomise(layer, seed)
    check(layer, normal(2, 8, 6, 5, seed=seed), FLOAT64)


def test_shifted_planes_are_the_papers_formula() -> None:
    """2 * 1[clip(x + v, 0, 1) >= 1/2] - 1 with v = 1/2 - t, and the gradient of the clip to x and v."""
    planes = ShiftedPlanes(5, count=3).double()
    x = torch.from_numpy(normal(2, 5, 4, 4)).requires_grad_()
    for (plane, scale), t in zip(planes(x), [-1.0, 0.0, 1.0], strict=True):
        clip = torch.clamp(x.detach() + (0.5 - t), 0, 1)
        assert torch.equal(plane, torch.where(clip >= 0.5, 1.0, -1.0).double())
        assert scale.item() == pytest.approx(1 / 3)
        inside = ((x + (0.5 - t) >= 0) & (x + (0.5 - t) <= 1)).double()
        (slope,) = torch.autograd.grad(plane.sum(), x, retain_graph=True)
        assert torch.equal(slope, inside)
        (to_thresholds,) = torch.autograd.grad(plane.sum(), planes.threshold, retain_graph=True)
        assert to_thresholds.sum().item() == -inside.sum()


def test_residual_planes_come_nearer_with_every_order() -> None:
    x = torch.from_numpy(normal(3, 8, 5, 5, seed=2))
    errors = []
    for order in (1, 2, 3, 4):
        planes = ResidualPlanes(8, order)(x)
        rest = x
        for plane, scale in planes:
            assert torch.equal(plane, signs(rest))
            assert torch.allclose(scale[:, 0, 0, 0], rest.abs().flatten(1).mean(1))
            rest = rest - scale * plane
        errors.append(rest.square().mean().item())
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 0.5 * errors[0]


def test_scales_of_residual_planes_belong_to_one_image() -> None:
    x = torch.from_numpy(normal(2, 4, 3, 3))
    together = ResidualPlanes(4)(x)
    alone = ResidualPlanes(4)(x[1:])
    for (plane, scale), (own, own_scale) in zip(together, alone, strict=True):
        assert torch.equal(plane[1:], own)
        assert torch.equal(scale[1:], own_scale)


@settings(max_examples=20, deadline=None)
@given(**geometry)
def test_rank_one_conv(kernel, stride, groups, padded, seed) -> None:
    layer = RankOneConv2d(8, 4, kernel, stride=stride, padding=kernel // 2 if padded else 0, groups=groups)
    x = np.where(normal(2, 8, 6, 5, seed=seed) >= 0, 1, -1)
    layer.eval()(torch.from_numpy(x).float())
    randomise(layer, seed)
    check(layer, x, BIPOLAR)


def test_rank_one_conv_is_the_papers_formula() -> None:
    layer = RankOneConv2d(3, 2, 3, padding=1).double().eval()
    x = torch.from_numpy(np.where(normal(1, 3, 4, 5) >= 0, 1.0, -1.0))
    layer(x)
    assert torch.allclose(layer.alpha, layer.conv.weight.abs().mean((1, 2, 3)), atol=1e-7)
    assert layer.beta.tolist() == [1.0] * 4
    assert layer.gamma.tolist() == [1.0] * 5
    randomise(layer)
    layer.double()
    sums = functional.conv2d(x, signs(layer.conv.weight), padding=1)
    for o, h, w in np.ndindex(2, 4, 5):
        scale = layer.alpha[o] * layer.beta[h] * layer.gamma[w]
        assert layer(x)[0, o, h, w].item() == pytest.approx((sums[0, o, h, w] * scale).item(), abs=1e-12)


def test_a_sized_network_is_whole_before_training() -> None:
    def net(task: Task) -> nn.Module:
        return nn.Sequential(RankOneConv2d(1, 4, 3, stride=2, padding=1), RankOneConv2d(4, 2, 3))

    task = Task(8, 10, 1, 2, 17)
    torch.manual_seed(0)
    module = Sized(net)(task)
    shapes = {name: tuple(values.shape) for name, values in module.state_dict().items()}
    assert (shapes["0.beta"], shapes["0.gamma"], shapes["1.beta"], shapes["1.gamma"]) == ((4,), (5,), (2,), (3,))
    assert module.training
    module(torch.ones(2, 1, 8, 10)).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    torch.manual_seed(1)
    other = Sized(net)(task)
    other.load_state_dict(module.state_dict())
    x = torch.randn(2, 1, 8, 10)
    assert torch.equal(other.eval()(x), module.eval()(x))


@settings(max_examples=20, deadline=None)
@given(**geometry)
def test_gated_conv(kernel, stride, groups, padded, seed) -> None:
    layer = GatedConv2d(
        16, 4, kernel, stride=stride, padding=kernel // 2 if padded else 0, groups=groups, reduction=4
    )  # fmt: skip
    randomise(layer, seed)
    check(layer, normal(2, 16, 6, 5, seed=seed), FLOAT64)


def test_gated_conv_is_the_papers_formula() -> None:
    layer = GatedConv2d(16, 4, 3, padding=1).double().eval()
    assert layer.squeeze.weight.shape == (2, 16, 1, 1)
    assert layer.excite.weight.shape == (4, 2, 1, 1)
    x = torch.from_numpy(normal(2, 16, 5, 5))

    def rounded(weight: torch.Tensor) -> torch.Tensor:
        rows = weight[:, :, 0, 0]
        step = rows.abs().amax(1, keepdim=True) / 127
        return torch.round(rows / step) * step

    hidden = torch.relu(x.mean((2, 3)) @ rounded(layer.squeeze.weight).T)
    gate = 1 / (1 + torch.exp(-(hidden @ rounded(layer.excite.weight).T)))
    weight = layer.conv.weight
    sums = functional.conv2d(signs(x), signs(weight) * weight.abs().mean((1, 2, 3), keepdim=True), padding=1)
    assert torch.allclose(layer(x), sums * gate[:, :, None, None], atol=1e-12)


def test_a_gate_has_the_weights_it_is_given() -> None:
    layer = GatedConv2d(16, 4, 3, gate=RealWeights()).double().eval()
    x = torch.from_numpy(normal(2, 16, 5, 5))
    hidden = torch.relu(x.mean((2, 3)) @ layer.squeeze.weight[:, :, 0, 0].T)
    gate = torch.sigmoid(hidden @ layer.excite.weight[:, :, 0, 0].T)
    assert torch.allclose(layer(x), layer.conv(signs(x)) * gate[:, :, None, None], atol=1e-12)
    check(layer, x.numpy(), FLOAT64)


@pytest.mark.parametrize(
    "layer",
    [
        PlanesConv2d(16, 8, 3, padding=1, planes=ShiftedPlanes, weights=ShiftedBases(2)),
        PlanesConv2d(16, 8, 3, padding=1, planes=ResidualPlanes),
        GatedConv2d(16, 8, 3, padding=1, reduction=2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_training_and_evaluation_agree_and_everything_learns(layer: nn.Module) -> None:
    randomise(layer)
    layer.double()
    x = torch.from_numpy(normal(2, 16, 5, 5))
    trained = layer.train()(x)
    assert torch.allclose(trained, layer.eval()(x), atol=1e-9)
    trained.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_torch_s_own_sigmoid_has_a_meaning() -> None:
    x = normal(3, 5) * 50
    graph = from_torch(nn.Sigmoid(), TensorType((5,), FLOAT64))
    assert np.allclose(reference.run(graph, x), torch.sigmoid(torch.from_numpy(x)).numpy(), atol=1e-15)


def test_bad_layers_are_refused() -> None:
    with pytest.raises(UsageError, match="1 to 8 planes, got 0"):
        ShiftedPlanes(4, count=0)
    with pytest.raises(UsageError, match="order of 1 to 4, got 5"):
        ResidualPlanes(4, order=5)
    with pytest.raises(UsageError, match="at least 1, got 0"):
        GatedConv2d(4, 4, 3, reduction=0)
    layer = RankOneConv2d(4, 4, 3, padding=1)
    b = Builder({"x": TensorType((4, 4, 4), BIPOLAR)})
    with pytest.raises(UsageError, match=r"has no size yet .*nets\.sized"):
        layer.emit(b, "x")
    layer(torch.zeros(1, 4, 4, 4))
    with pytest.raises(UsageError, match=r"maps of 4x4 met one of 4x6"):
        layer(torch.zeros(1, 4, 4, 6))

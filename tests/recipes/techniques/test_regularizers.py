"""What is added to the loss without a teacher: BNN+'s regularizer, center loss, spike penalty; and k-bit gradients."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.errors import UsageError
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.ternary import TernaryWeights
from neurobin.recipes.techniques.center_loss import CenterLoss
from neurobin.recipes.techniques.gradient_quantizer import GradientQuantizer
from neurobin.recipes.techniques.spike_penalty import SpikePenalty
from neurobin.recipes.techniques.weight_regularizer import WeightRegularizer
from tests.recipes.techniques.scene import Scene, hooks


@pytest.mark.parametrize("power", [1, 2])
def test_weights_gather_around_their_binary_values(power: int) -> None:
    layers = OrderedDict(
        flatten=nn.Flatten(),
        plain=QuantLinear(64, 5),
        scaled=QuantLinear(5, 4, weights=MagnitudeAwareSign()),
        ternary=QuantLinear(4, 3, weights=TernaryWeights()),
    )
    scene = Scene(student=nn.Sequential(layers))
    loss = scene.step(WeightRegularizer(0.1, power))
    plain, scaled = (scene.student.get_submodule(name).weight.detach().double().numpy() for name in ("plain", "scaled"))
    alpha = np.abs(scaled).mean(1, keepdims=True)
    by_hand = (np.abs(1 - np.abs(plain)) ** power).sum() + (np.abs(alpha - np.abs(scaled)) ** power).sum()
    assert loss.item() == pytest.approx(0.1 * by_hand, rel=1e-5)
    loss.backward()
    away = np.abs(scaled) - alpha
    gradient = 0.1 * np.sign(scaled) * (np.sign(away) if power == 1 else 2 * away)
    np.testing.assert_allclose(scene.student.scaled.weight.grad, gradient, atol=1e-6)
    assert scene.student.ternary.weight.grad is None
    with pytest.raises(UsageError, match="power is 1 or 2, got 3"):
        WeightRegularizer(0.1, 3)


def test_centres_follow_their_classes() -> None:
    scene, technique = Scene(), CenterLoss(0.5, rate=0.25)
    technique.prepare(scene.context)
    centres = np.zeros((3, 16))
    labels = scene.labels.numpy()
    for _ in range(3):
        loss = scene.step(technique)
        with torch.no_grad():
            features = scene.student[:5](scene.images).double().numpy()
        away = features - centres[labels]
        assert loss.item() == pytest.approx(0.25 * (away**2).sum(1).mean(), rel=1e-4)
        for j in range(3):
            mine = labels == j
            centres[j] -= 0.25 * (centres[j] - features[mine]).sum(0) / (1 + mine.sum())
        np.testing.assert_allclose(scene.student.dense.centres, centres, atol=1e-5)
        scene.student.zero_grad()
        loss.backward()
    assert hooks(scene.student) == 0
    assert scene.student.conv.weight.grad.abs().sum() > 0
    assert "dense.centres" in scene.student.state_dict()
    assert not scene.student.dense.centres.requires_grad


def test_spikes_cost() -> None:
    scene, technique = Scene(), SpikePenalty(0.2, nn.ReLU)
    technique.prepare(scene.context)
    loss = scene.step(technique)
    with torch.no_grad():
        y = scene.student[:3](scene.images).double().numpy()
    assert loss.item() == pytest.approx(0.1 * (y.mean((0, 2, 3)) ** 2).sum(), rel=1e-5)
    loss.backward()
    assert scene.student.norm.bias.grad.min() > 0
    assert hooks(scene.student) == 0
    with pytest.raises(UsageError, match="no Tanh, whose spikes"):
        SpikePenalty(0.2, nn.Tanh).prepare(scene.context)


@pytest.mark.parametrize("bits", [1, 2, 6])
def test_gradients_have_few_levels_and_the_right_mean(bits: int) -> None:
    torch.manual_seed(0)
    gradient = torch.randn(3, 5, 2) * torch.tensor([1.0, 10.0, 0.0]).view(3, 1, 1)
    widest = gradient.abs().amax((1, 2), keepdim=True)
    technique, steps = GradientQuantizer(bits), 2**bits - 1
    draws = torch.stack([technique.quantized(gradient) for _ in range(4000)])
    levels = (draws[:, :2] / (2 * widest[:2]) + 0.5) * steps
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)
    assert levels.min() >= -1e-4
    assert levels.max() <= steps + 1e-4
    assert not draws[:, 2].any()
    # rounding with uniform noise of one step's width has no bias
    spread = 2 * widest / steps / np.sqrt(4000)
    assert ((draws.mean(0) - gradient).abs() <= 4 * spread + 1e-6).all()


def test_gradients_are_quantized_on_their_way_back() -> None:
    technique, seen = GradientQuantizer(2), []

    def watch(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        output.register_hook(seen.append)

    for quantized in (False, True):
        scene = Scene()
        if quantized:
            technique.before_step(scene.context, 0.0)
        scene.student.conv.register_forward_hook(watch)  # behind the technique's, so it sees what that passes on
        scene.student.train()(scene.images).square().sum().backward()
        if quantized:
            technique.after_step(scene.context, 0.0)
        assert hooks(scene.student) == 1
    whole, few = seen
    assert all(len(torch.unique(image)) > 4 for image in whole)
    assert all(1 < len(torch.unique(image)) <= 4 for image in few)
    with pytest.raises(UsageError, match="1 to 16 bits"):
        GradientQuantizer(0)

"""Techniques that change the network itself: closed channels, bootstrap samples, curvature, frozen parameters."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.errors import UsageError
from neurobin.nets.ensemble import Voters
from neurobin.nn.layers.channel_gate import ChannelGate
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.lab import LossAwareSign
from neurobin.recipes import Recipe
from neurobin.recipes.losses import loss
from neurobin.recipes.techniques import Batch
from neurobin.recipes.techniques.bagging import Bagging
from neurobin.recipes.techniques.loss_aware import LossAwareCurvature
from neurobin.recipes.techniques.only_batch_norm import OnlyBatchNorm
from neurobin.recipes.techniques.sparsity import ChannelSparsity
from tests.recipes.techniques.scene import IMAGES, Scene, hooks, network


def gated(*gates: list[float]) -> Scene:
    layers = OrderedDict(conv=nn.Conv2d(1, 4, 3), gate1=ChannelGate(4), conv2=nn.Conv2d(4, 4, 3), gate2=ChannelGate(4))
    scene = Scene(student=nn.Sequential(layers | OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())))
    with torch.no_grad():
        for layer, values in zip((scene.student.gate1, scene.student.gate2), gates, strict=True):
            layer.gate.copy_(torch.tensor(values))
    return scene


def test_gates_are_pulled_to_zero_until_the_smallest_close() -> None:
    technique = ChannelSparsity(0.5, keep=0.5, at=0.5)
    scene = gated([0.9, -0.8, 0.1, 0.05], [0.7, 0.6, 0.2, -0.3])
    technique.prepare(scene.context)
    assert scene.step(technique, 0.49).item() == pytest.approx(0.5 * (0.9 + 0.8 + 0.1 + 0.05 + 0.7 + 0.6 + 0.2 + 0.3))
    assert scene.student.gate1.open.tolist() == [1, 1, 1, 1]
    assert scene.step(technique, 0.5) is None
    assert scene.student.gate1.open.tolist() == [1, 1, 0, 0]
    assert scene.student.gate2.open.tolist() == [1, 1, 0, 0]
    with torch.no_grad():
        scene.student.gate1.gate.copy_(torch.tensor([0.0, 0.0, 9.0, 9.0]))
    scene.step(technique, 0.6)
    assert scene.student.gate1.open.tolist() == [1, 1, 0, 0]  # once is enough


def test_every_layer_keeps_a_channel() -> None:
    technique = ChannelSparsity(0.5, keep=0.25, at=0.5)
    scene = gated([0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, -0.4])
    scene.step(technique, 0.9)
    assert scene.student.gate1.open.tolist() == [1, 1, 0, 0]
    assert scene.student.gate2.open.tolist() == [0, 0, 0, 1]


def test_sparsity_needs_gates_and_shares() -> None:
    with pytest.raises(UsageError, match="this network has none"):
        ChannelSparsity(1.0, 0.5, 0.5).prepare(Scene().context)
    for keep, at in ((0.0, 0.5), (0.5, 1.5)):
        with pytest.raises(UsageError, match=r"keep and at lie in \(0, 1\]"):
            ChannelSparsity(1.0, keep, at)


@pytest.mark.parametrize("count", [IMAGES, 4])
def test_each_member_learns_its_own_sample(count: int) -> None:
    scene = Scene(student=Voters([network(4), network(5)]))
    technique = Bagging("squared_hinge")
    technique.prepare(scene.context)
    images, labels = scene.images[:count], scene.labels[:count]
    technique.before_step(scene.context, 0.0)
    batch = Batch(images, labels, scene.student.train()(images), 0.0, torch.arange(count))
    total = technique.loss(scene.context, batch)
    assert hooks(scene.student) == 0
    criterion, by_hand, samples = loss("squared_hinge"), 0.0, []
    for number, member in enumerate(scene.student.members):
        sample = torch.randint(IMAGES, (IMAGES,), generator=torch.Generator().manual_seed(number)).tolist()
        logits = member(images)
        by_hand += sum(criterion(logits[k : k + 1], labels[k : k + 1]).item() for k in sample if k < count) / count
        samples.append(sorted(sample))
    assert samples[0] != samples[1]
    assert total.item() == pytest.approx(by_hand, rel=1e-4)


def test_an_image_that_a_member_never_draws_teaches_it_nothing() -> None:
    scene = Scene(student=Voters([nn.Sequential(nn.Flatten(), nn.Linear(64, 3)) for _ in range(2)]))
    technique = Bagging()
    technique.prepare(scene.context)
    drawn = torch.randint(IMAGES, (IMAGES,), generator=torch.Generator().manual_seed(0))
    images = scene.images.clone().requires_grad_(True)
    scene.student.members[1].requires_grad_(False)
    scene.student.members[1][1].weight.zero_()
    scene.step(technique, images=images).backward()
    touched = images.grad.flatten(1).abs().sum(1) > 0
    assert touched.tolist() == [k in drawn.tolist() for k in range(IMAGES)]


def test_bagging_needs_members() -> None:
    with pytest.raises(UsageError, match="a network with members"):
        Bagging().prepare(Scene().context)


def loss_aware(optimizer: str) -> Scene:
    student = network(1)
    student.conv = QuantConv2d(1, 4, 3, padding=1, weights=LossAwareSign())
    return Scene(student=student, recipe=Recipe(optimizer=optimizer, lr=1e-2))


def test_curvature_is_adams_second_moment() -> None:
    scene, technique = loss_aware("adam"), LossAwareCurvature()
    moment = np.zeros((4, 1, 3, 3))
    for _ in range(3):
        scene.learn(technique)
        moment = 0.999 * moment + 0.001 * scene.student.conv.weight.grad.double().numpy() ** 2
        curvature = scene.student.conv.quantizer.curvature.double().numpy()
        np.testing.assert_allclose(curvature, np.sqrt(moment) + 1e-8, rtol=1e-4)
        weight = scene.student.conv.weight.detach().double().numpy()
        (term,) = scene.student.conv.quantizer.terms(scene.student.conv.weight)
        assert term.scale.item() == pytest.approx((curvature * np.abs(weight)).sum() / curvature.sum(), rel=1e-4)
    with pytest.raises(UsageError, match="second moments of Adam"):
        loss_aware("sgd").learn(technique)


def test_at_the_end_only_batch_norms_learn() -> None:
    scene, technique = Scene(), OnlyBatchNorm(since=0.9)
    for progress, learning in ((0.89, True), (0.9, False)):
        before = {name: value.detach().clone() for name, value in scene.student.named_parameters()}
        scene.learn(technique, progress)
        changed = {name for name, value in scene.student.named_parameters() if not torch.equal(value, before[name])}
        assert {"norm.weight", "norm.bias"} <= changed
        assert changed == (set(before) if learning else {"norm.weight", "norm.bias"})

"""Distillation, attention transfer and hints: values by numpy, gradients that reach the student alone, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.recipes.techniques import Batch, Technique
from neurobin.recipes.techniques.attention import AttentionTransfer
from neurobin.recipes.techniques.distil import Distil
from neurobin.recipes.techniques.hints import FeatureHints
from tests.recipes.techniques.scene import Scene, hooks, network

ALL = [Distil("real"), AttentionTransfer("real", 2.0, ("conv", "act")), FeatureHints("real", 2.0, ("act", "pool"))]


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def answers(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Logits of student (as trained) and teacher (in evaluation mode)."""
    with torch.no_grad():
        return scene.batch.logits.numpy().astype(float), scene.teacher.eval()(scene.images).numpy().astype(float)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_kl(temperature: float) -> None:
    scene, technique = Scene(), Distil("real", weight=0.5, temperature=temperature)
    technique.prepare(scene.context)
    loss = scene.step(technique)
    student, teacher = (softmax(logits / temperature) for logits in answers(scene))
    divergence = (teacher * np.log(teacher / student)).sum(1).mean()
    assert loss.item() == pytest.approx(0.5 * temperature**2 * divergence, rel=1e-4)
    scene.batch.logits.retain_grad()
    loss.backward()
    gradient = 0.5 * temperature * (student - teacher) / len(student)
    np.testing.assert_allclose(scene.batch.logits.grad, gradient, atol=1e-6)


def test_kl_has_the_gradient_of_reactnets_loss() -> None:
    scene, technique = Scene(), Distil("real")
    technique.prepare(scene.context)
    loss = scene.step(technique)
    (ours,) = torch.autograd.grad(loss, scene.batch.logits, retain_graph=True)
    taught = scene.teacher.eval()(scene.images).detach().softmax(1)
    papers = -(taught * scene.batch.logits.log_softmax(1)).sum(1).mean()
    (theirs,) = torch.autograd.grad(papers, scene.batch.logits)
    torch.testing.assert_close(ours, theirs)


def test_logits() -> None:
    scene, technique = Scene(), Distil("real", "logits", weight=2.0)
    technique.prepare(scene.context)
    loss = scene.step(technique)
    student, teacher = answers(scene)
    assert loss.item() == pytest.approx(2 * ((student - teacher) ** 2).mean(), rel=1e-5)


def maps(scene: Scene, name: str) -> list[np.ndarray]:
    """The outputs of a layer of student (training mode) and teacher (evaluation mode)."""
    found = []
    for module in (scene.student.train(), scene.teacher.eval()):
        handle = module.get_submodule(name).register_forward_hook(lambda layer, x, y: found.append(y.detach().numpy()))
        module(scene.images)
        handle.remove()
    return found


def test_attention() -> None:
    scene, technique = Scene(teacher=network(2, width=7)), AttentionTransfer("real", 30.0, ("conv", "act"))
    technique.prepare(scene.context)
    loss = scene.step(technique)
    total = 0.0
    for name in technique.at:
        student, teacher = ((a.astype(float) ** 2).mean(1).reshape(len(a), -1) for a in maps(scene, name))
        student, teacher = student / student.max(1, keepdims=True), teacher / teacher.max(1, keepdims=True)
        total += ((student - teacher) ** 2).mean()
    assert total > 0.01
    assert loss.item() == pytest.approx(30 * total / len(technique.at), rel=1e-4)


def test_hints() -> None:
    scene, technique = Scene(), FeatureHints("real", 3.0, ("act", "pool"))
    technique.prepare(scene.context)
    loss = scene.step(technique)
    total = sum(((student - teacher) ** 2).mean() / 2 for student, teacher in (maps(scene, name) for name in technique.at))
    assert loss.item() == pytest.approx(3 * total, rel=1e-5)


@pytest.mark.parametrize("technique", ALL, ids=lambda t: type(t).__name__)
def test_only_the_student_learns_and_no_hook_stays(technique: Technique) -> None:
    scene = Scene()
    before = {name: value.clone() for name, value in scene.teacher.state_dict().items()}
    technique.prepare(scene.context)
    for _ in range(2):
        technique_loss = scene.step(technique)
        technique_loss.backward()
        assert hooks(scene.student) == 0
    assert scene.student.conv.weight.grad.abs().sum() > 0
    assert not any(p.requires_grad or p.grad is not None for p in scene.teacher.parameters())
    assert not scene.teacher.training
    assert all(torch.equal(value, before[name]) for name, value in scene.teacher.state_dict().items())


def test_a_teacher_is_asked_once_and_looks_at_every_batch_once() -> None:
    scene, seen = Scene(), []
    scene.teacher.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    for technique in ALL:
        technique.prepare(scene.context)
    assert scene.asked == ["real"]
    other = scene.images + 1
    for images in (scene.images, other):
        for technique in ALL:
            scene.step(technique, images=images)
    assert len(seen) == 2
    assert seen[0] is scene.images
    assert seen[1] is other


def test_a_student_that_equals_its_teacher_has_nothing_to_learn() -> None:
    scene = Scene(teacher=network(1))
    for technique in ALL:
        technique.prepare(scene.context)
        scene.student.eval()
        technique.before_step(scene.context, 0.0)
        batch = Batch(scene.images, scene.labels, scene.student(scene.images), 0.0)
        assert technique.loss(scene.context, batch).item() == pytest.approx(0, abs=1e-6)


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown kind of distillation 'js'"):
        Distil("real", "js")
    with pytest.raises(UsageError, match="temperature of distillation must be positive, got 0"):
        Distil("real", temperature=0)
    with pytest.raises(UsageError, match=r"no layer 'block9' .*its parts are conv, norm, act"):
        AttentionTransfer("real", 1.0, ("block9",)).prepare(Scene().context)
    wide = Scene(teacher=network(2, width=5))
    hints = FeatureHints("real", 1.0, ("act",))
    hints.prepare(wide.context)
    with pytest.raises(UsageError, match=r"at 'act' the student's map has shape \(4, 8, 8\), the teacher's \(5, 8, 8\)"):
        wide.step(hints)

"""A small student and a small teacher of equal shape, and one training step as the loop makes it."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from neurobin.nn.layers.conv import QuantConv2d
from neurobin.recipes import Recipe
from neurobin.recipes.losses import loss as loss_named
from neurobin.recipes.optimizers import optimizers
from neurobin.recipes.techniques import Batch, Context, Technique

IMAGES, CLASSES = 6, 3


def network(seed: int, width: int = 4) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        OrderedDict(
            conv=QuantConv2d(1, width, 3, padding=1),
            norm=nn.BatchNorm2d(width),
            act=nn.ReLU(),
            pool=nn.AdaptiveAvgPool2d(2),
            flatten=nn.Flatten(),
            dense=nn.Linear(4 * width, CLASSES),
        )
    )


class Scene:
    """`step(technique)` runs its hooks around one forward pass and returns what it adds to the loss."""

    def __init__(
        self, *, student: nn.Module | None = None, teacher: nn.Module | None = None, recipe: Recipe = Recipe()
    ) -> None:
        self.student = network(1) if student is None else student
        self.teacher = network(2) if teacher is None else teacher
        torch.manual_seed(3)
        self.images = torch.randn(IMAGES, 1, 8, 8)
        self.labels = torch.tensor([0, 1, 2, 0, 0, 1])
        self.recipe = recipe
        self.asked: list[str] = []
        self.context = Context(self.student, optimizers(self.student, recipe), self._taught, images=IMAGES)

    def _taught(self, name: str) -> nn.Module:
        self.asked.append(name)
        return self.teacher

    def step(self, technique: Technique, progress: float = 0.0, images: Tensor | None = None) -> Tensor | None:
        """Forward pass and the technique's loss, without a step of the optimizers."""
        self.student.train()
        technique.before_step(self.context, progress)
        images = self.images if images is None else images
        places = torch.arange(IMAGES)
        self.batch = Batch(images, self.labels, self.student(images), progress, places)
        return technique.loss(self.context, self.batch)

    def learn(self, technique: Technique, progress: float = 0.0) -> None:
        """A whole step: loss, gradients, optimizers."""
        for optimizer in self.context.optimizers:
            optimizer.zero_grad()
        extra = self.step(technique, progress)
        loss = loss_named(self.recipe.loss)(self.batch.logits, self.labels)
        (loss if extra is None else loss + extra).backward()
        for optimizer in self.context.optimizers:
            optimizer.step()
        technique.after_step(self.context, progress)


def hooks(module: nn.Module) -> int:
    """How many hooks are registered in a network, those before and those behind a forward pass."""
    return sum(len(layer._forward_hooks) + len(layer._forward_pre_hooks) for layer in module.modules())

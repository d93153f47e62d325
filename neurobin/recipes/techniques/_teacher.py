"""A frozen network that looks at the student's batches, once each, however many techniques ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from neurobin.recipes.techniques._features import Recorder, layers_named
from neurobin.recipes.techniques.technique import Context


class Teacher:
    """Logits, and the outputs of watched layers, in evaluation mode and without gradients."""

    def __init__(self, module: nn.Module, autocast: bool) -> None:
        self.module = module.eval().requires_grad_(False)
        self.autocast = autocast
        self._images: Tensor | None = None
        self._logits = torch.empty(0)
        self._recorders: dict[str, Recorder] = {}

    def watch(self, names: Iterable[str]) -> None:
        """Keep the outputs of these layers. Raises UsageError naming those that the teacher lacks."""
        for name, layer in layers_named(self.module, names):
            self._recorders.setdefault(name, Recorder([(name, layer)]))
        self._images = None  # the next look is a new one

    def logits(self, images: Tensor) -> Tensor:
        """[N, classes] for the images [N, C, H, W] as the student saw them."""
        if images is not self._images:
            with torch.no_grad(), torch.autocast(images.device.type, torch.bfloat16, enabled=self.autocast):
                self._logits = self.module(images).float()
            self._images = images
        return self._logits

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """The outputs of the watched layers for these images."""
        self.logits(images)
        return {name: recorder.seen[name] for name, recorder in self._recorders.items()}


def teacher_of(context: Context, name: str) -> Teacher:
    """The run's teacher of that name, trained or loaded when it is first asked for."""
    key = f"teacher {name}"
    if key not in context.store:
        context.store[key] = Teacher(context.teacher(name), context.autocast)
    return cast(Teacher, context.store[key])

"""Attention transfer (Zagoruyko, Komodakis 2017, arXiv 1612.03928) as in Real-to-Binary (Martinez et al. 2020, 2003.11535).

    Q = mean over channels of A^2, flattened and divided by its largest value        loss = mean of (Q_student - Q_teacher)^2

for the maps A [C, H, W] of every image at the named layers; the papers divide by the L2 norm. Channel counts may differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.recipes.techniques._matched import begin, pairs, watch
from neurobin.recipes.techniques.technique import Batch, Context, Technique


@dataclass(frozen=True)
class AttentionTransfer(Technique):
    """Adds `weight` times the mean over the layers `at`, which student and teacher call by the same names.

    Raises UsageError when one of them lacks a layer, or when their maps differ in size.
    """

    teacher: str
    weight: float
    at: tuple[str, ...]

    @property
    def teachers(self) -> tuple[str, ...]:
        return (self.teacher,)

    def prepare(self, context: Context) -> None:
        watch(context, self.teacher, self.at)

    def before_step(self, context: Context, progress: float) -> None:
        begin(context, repr(self), self.at)

    def loss(self, context: Context, batch: Batch) -> Tensor:
        total = batch.logits.new_zeros(())
        for name, maps, taught in pairs(context, repr(self), self.teacher, self.at, batch):
            own, given = attention(maps), attention(taught)
            if own.shape != given.shape:
                raise UsageError(f"at {name!r} the student's map has {own.shape[1]} places, the teacher's {given.shape[1]}")
            total = total + functional.mse_loss(own, given)
        return self.weight * total / len(self.at)


def attention(maps: Tensor) -> Tensor:
    """Maps [N, C, H, W] -> Q [N, H * W]; a map of zeros stays one."""
    energy = maps.float().square().mean(1).flatten(1)
    return energy / energy.amax(1, keepdim=True).clamp(min=torch.finfo(energy.dtype).tiny)

"""Hints: intermediate maps of the student follow the teacher's (Romero et al. 2015, FitNets, arXiv 1412.6550, eq. 3).

    loss = 1/2 mean of (A_student - A_teacher)^2 over images, channels and places

FitNets puts a learned regressor between maps of different shape; here the shapes must agree, and there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.recipes.techniques._matched import begin, pairs, watch
from neurobin.recipes.techniques.technique import Batch, Context, Technique


@dataclass(frozen=True)
class FeatureHints(Technique):
    """Adds `weight` times the sum over the layers `at`, which student and teacher call by the same names.

    Raises UsageError when one of them lacks a layer, or when their maps differ in shape.
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
        for name, own, given in pairs(context, repr(self), self.teacher, self.at, batch):
            if own.shape != given.shape:
                shapes = f"{tuple(own.shape[1:])}, the teacher's {tuple(given.shape[1:])}"
                raise UsageError(f"at {name!r} the student's map has shape {shapes}", hint="layers of equal shape")
            total = total + functional.mse_loss(own, given) / 2
        return self.weight * total

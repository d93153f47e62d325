"""Knowledge distillation: the student learns the answers of a teacher (Hinton et al. 2015, arXiv 1503.02531).

    kl      T^2 KL( softmax(t / T) || softmax(s / T) ), t and s the logits of teacher and student, mean over the batch
    logits  mean over batch and classes of (s - t)^2 (Ba, Caruana 2014, arXiv 1312.6184)

At T = 1 the gradient of `kl` is that of ReActNet's loss, -sum softmax(t) log softmax(s) (Liu et al. 2020, arXiv 2003.03488,
eq. 7), which differs by the teacher's entropy, a constant. A recipe whose only loss is this one says `loss="none"`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.recipes.techniques._teacher import teacher_of
from neurobin.recipes.techniques.technique import Batch, Context, Technique


@dataclass(frozen=True)
class Distil(Technique):
    """Adds `weight` times the distance to the network of method `teacher`, trained beforehand on the same data and frozen.

    It sees the same shifted images. Raises UsageError for an unknown kind or a temperature that is not positive.
    """

    teacher: str
    kind: Literal["kl", "logits"] = "kl"
    weight: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("kl", "logits"):
            raise UsageError(f"unknown kind of distillation {self.kind!r}", hint="kl, logits")
        if self.temperature <= 0:
            raise UsageError(f"the temperature of distillation must be positive, got {self.temperature:g}")

    @property
    def teachers(self) -> tuple[str, ...]:
        return (self.teacher,)

    def prepare(self, context: Context) -> None:
        teacher_of(context, self.teacher)

    def loss(self, context: Context, batch: Batch) -> Tensor:
        taught = teacher_of(context, self.teacher).logits(batch.images)
        if self.kind == "logits":
            return self.weight * functional.mse_loss(batch.logits, taught)
        student, teacher = ((logits / self.temperature).log_softmax(1) for logits in (batch.logits, taught))
        divergence = functional.kl_div(student, teacher, reduction="batchmean", log_target=True)
        return self.weight * self.temperature**2 * divergence

"""Bagging (Breiman 1996): every member of an ensemble learns from its own bootstrap sample of the training set.

    loss = sum over members e of mean over images i of n_ei loss(logits_e(x_i), y_i)

n_ei is how often image i was drawn when as many images as there are were drawn with replacement for member e.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.recipes.losses import loss as loss_named
from neurobin.recipes.techniques._features import record, recorded
from neurobin.recipes.techniques.technique import Batch, Context, Technique


@dataclass(frozen=True)
class Bagging(Technique):
    """The loss of that name for each network in the module's list `members`; the recipe's own loss is "none".

    The samples are drawn once for all epochs. Batch norms still see every image. Raises UsageError for a module without
    members.
    """

    member_loss: str = "cross_entropy"

    def prepare(self, context: Context) -> None:
        count = len(_members(context))
        drawn = [_bootstrap(context.images, torch.Generator().manual_seed(number)) for number in range(count)]
        context.store[f"{self!r} counts"] = drawn

    def before_step(self, context: Context, progress: float) -> None:
        record(context, repr(self), _members(context))

    def loss(self, context: Context, batch: Batch) -> Tensor:
        criterion = loss_named(self.member_loss)
        total = batch.logits.new_zeros(())
        drawn = cast(list[Tensor], context.store[f"{self!r} counts"])
        for logits, times in zip(recorded(context, repr(self)).values(), drawn, strict=True):
            counts = times[batch.places].to(batch.labels.device)
            if not counts.any():
                continue
            again = criterion(logits.float().repeat_interleave(counts, 0), batch.labels.repeat_interleave(counts))
            total = total + again * counts.float().mean()
        return total


def _members(context: Context) -> list[tuple[str, nn.Module]]:
    members = getattr(context.module, "members", None)
    if not isinstance(members, nn.ModuleList):
        raise UsageError("bagging needs a network with members", hint="neurobin.nets.ensemble")
    return list(members.named_children())


def _bootstrap(images: int, generator: torch.Generator) -> Tensor:
    """How often each image is drawn, int64 [images]; the counts sum to `images`."""
    return torch.bincount(torch.randint(images, (images,), generator=generator), minlength=images)

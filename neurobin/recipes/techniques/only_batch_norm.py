"""At the end only batch norms go on learning: Bi-Real Net's last stage (Liu et al. 2018, README of the authors' code)."""

from __future__ import annotations

from dataclasses import dataclass

from neurobin.recipes.techniques.technique import Context, Technique, batch_norms


@dataclass(frozen=True)
class OnlyBatchNorm(Technique):
    """From progress `since` on, every parameter outside batch norms stays as it is: it gets no gradient, so no step."""

    since: float

    def before_step(self, context: Context, progress: float) -> None:
        if progress < self.since:
            return
        learning = {id(parameter) for norm in batch_norms(context.module) for parameter in norm.parameters()}
        for parameter in context.module.parameters():
            if id(parameter) not in learning:
                parameter.requires_grad_(False)

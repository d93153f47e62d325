"""At the end only batch norms go on learning: Bi-Real Net's last stage (Liu et al. 2018, README of the authors' code)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from neurobin.recipes.techniques.technique import Context, Technique


@dataclass(frozen=True)
class OnlyBatchNorm(Technique):
    """From progress `since` on, every parameter outside batch norms stays as it is: it gets no gradient, so no step."""

    since: float

    def before_step(self, context: Context, progress: float) -> None:
        if progress < self.since:
            return
        norms = [layer for layer in context.module.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
        learning = {id(parameter) for norm in norms for parameter in norm.parameters()}
        for parameter in context.module.parameters():
            if id(parameter) not in learning:
                parameter.requires_grad_(False)

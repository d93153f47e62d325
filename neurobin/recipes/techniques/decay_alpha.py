"""PACT's penalty on the learned clips (Choi et al. 2018, arXiv 1805.06085): they shrink until large values matter."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neurobin.nn.activations.pact import PactActivation
from neurobin.recipes.techniques.technique import Batch, Context, Technique


@dataclass(frozen=True)
class DecayAlpha(Technique):
    """Adds `weight` times the sum of alpha^2 over all PACT activations to the loss."""

    weight: float

    def loss(self, context: Context, batch: Batch) -> Tensor:
        total = batch.logits.new_zeros(())
        for layer in context.module.modules():
            if isinstance(layer, PactActivation):
                total = total + layer.alpha.square()
        return self.weight * total

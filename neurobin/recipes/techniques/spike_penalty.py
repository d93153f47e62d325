"""Pressure towards few spikes (Esser et al. 2016, arXiv 1603.08270): (gamma / 2) sum over features of mean(y)^2.

mean(y) is how often a feature spikes, over the images of a batch and the places of a map.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.recipes.techniques._features import record, recorded
from neurobin.recipes.techniques.technique import Batch, Context, Technique


@dataclass(frozen=True)
class SpikePenalty(Technique):
    """Acts on the outputs [N, C, ...] of all layers of class `layers`. Raises UsageError when the network has none."""

    gamma: float
    layers: type[nn.Module]

    def prepare(self, context: Context) -> None:
        if not self._found(context):
            raise UsageError(f"the network has no {self.layers.__name__}, whose spikes could be counted")

    def before_step(self, context: Context, progress: float) -> None:
        record(context, repr(self), self._found(context))

    def loss(self, context: Context, batch: Batch) -> Tensor:
        total = batch.logits.new_zeros(())
        for y in recorded(context, repr(self)).values():
            total = total + y.float().transpose(0, 1).flatten(1).mean(1).square().sum()
        return self.gamma / 2 * total

    def _found(self, context: Context) -> list[tuple[str, nn.Module]]:
        return [(name, layer) for name, layer in context.module.named_modules() if isinstance(layer, self.layers)]

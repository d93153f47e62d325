"""BNN+'s regularizer (Darabi et al. 2018, arXiv 1812.11800, sec. 3.2): latent weights gather around -alpha and +alpha.

    R_1 = |alpha - |w||        R_2 = (alpha - |w|)^2

alpha is the scale with which the layer's weights are binarized: mean |w| of each filter where the quantizer has scales, 1
where it is the plain sign. The gradient does not reach it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurobin.errors import UsageError
from neurobin.nn.channels import per_filter
from neurobin.recipes.techniques.technique import Batch, Context, Technique, one_bit_layers


@dataclass(frozen=True)
class WeightRegularizer(Technique):
    """Adds `weight` times the sum of R_`power` over all weights of the layers with one-bit weights; power is 1 or 2."""

    weight: float
    power: int = 1

    def __post_init__(self) -> None:
        if self.power not in (1, 2):
            raise UsageError(f"the regularizer's power is 1 or 2, got {self.power}")

    def loss(self, context: Context, batch: Batch) -> Tensor:
        total = batch.logits.new_zeros(())
        for layer in one_bit_layers(context.module):
            with torch.no_grad():
                (term,) = layer.quantizer.terms(layer.weight)
                alpha = per_filter(term.scale, layer.weight)
            total = total + (alpha - layer.weight.abs()).abs().pow(self.power).sum()
        return self.weight * total

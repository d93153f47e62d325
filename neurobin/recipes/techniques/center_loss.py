"""Center loss (Wen et al. 2016, "A Discriminative Feature Learning Approach for Deep Face Recognition", ECCV, eqs. 2 to 4).

    loss = weight / 2 mean |f - c_y|^2        c_j <- c_j - rate sum over label j of (c_j - f) / (1 + n_j)

f are the features that the last layer reads, c_y the centre of the image's class, n_j the batch's images of class j. The
paper sums over the batch where we take the mean. CBCN adds it to cross entropy (Liu et al. 2019, arXiv 1910.10853).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.nn.layers.linear import QuantLinear
from neurobin.recipes.techniques._features import record, recorded
from neurobin.recipes.techniques.technique import Batch, Context, Technique


@dataclass(frozen=True)
class CenterLoss(Technique):
    """Draws the features of a class together. The centres are a buffer of the last layer, so checkpoints hold them."""

    weight: float
    rate: float = 0.5

    def prepare(self, context: Context) -> None:
        _, layer = _last(context.module)
        layer.register_buffer("centres", torch.zeros_like(layer.weight.detach()))  # [classes, features], as its weights

    def before_step(self, context: Context, progress: float) -> None:
        record(context, repr(self), [_last(context.module)], inputs=True)

    def loss(self, context: Context, batch: Batch) -> Tensor:
        (features,) = (seen.float() for seen in recorded(context, repr(self)).values())
        centres = _last(context.module)[1].get_buffer("centres")
        away = features - centres[batch.labels]
        with torch.no_grad():
            count = torch.zeros_like(centres[:, :1]).index_add_(0, batch.labels, torch.ones_like(away[:, :1]))
            pull = torch.zeros_like(centres).index_add_(0, batch.labels, away.detach())
            centres.add_(self.rate * pull / (1 + count))
        return self.weight / 2 * away.square().sum(1).mean()


def _last(module: nn.Module) -> tuple[str, nn.Linear | QuantLinear]:
    """The last dense layer with its name."""
    return [(name, layer) for name, layer in module.named_modules() if isinstance(layer, nn.Linear | QuantLinear)][-1]

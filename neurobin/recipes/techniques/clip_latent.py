"""Latent weights stay in [-limit, limit]: beyond, they would no longer answer to gradients (BinaryConnect, sec. 2.4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurobin.recipes.techniques.technique import Context, Technique, latent_layers


@dataclass(frozen=True)
class ClipLatent(Technique):
    """Clamps the weights of quantized layers after every step, those of 8-bit first layers among them."""

    limit: float = 1.0

    def after_step(self, context: Context, progress: float) -> None:
        with torch.no_grad():
            for layer in latent_layers(context.module):
                layer.weight.clamp_(-self.limit, self.limit)

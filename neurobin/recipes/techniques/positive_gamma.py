"""Factors of batch norms stay positive, as XNOR-Net's code does for small networks: then pooling and quantizing commute."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurobin.recipes.techniques.technique import Context, Technique, batch_norms


@dataclass(frozen=True)
class PositiveGamma(Technique):
    """Clamps every batch norm's factor to at least `least` after every step."""

    least: float = 0.01

    def after_step(self, context: Context, progress: float) -> None:
        with torch.no_grad():
            for norm in batch_norms(context.module):
                if norm.affine:
                    norm.weight.clamp_(min=self.least)

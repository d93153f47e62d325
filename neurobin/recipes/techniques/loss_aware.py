"""Curvature for loss-aware weights (Hou et al. 2016, arXiv 1611.01600, sec. 3.1): D = sqrt(v) + 1e-8, v from Adam.

v is the second moment of the gradient without Adam's correction of its start, a factor common to all weights, which the
scale of a layer does not see.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurobin.errors import UsageError
from neurobin.nn.weights.lab import LossAwareQuantizer
from neurobin.recipes.techniques.technique import Context, Technique, latent_layers


@dataclass(frozen=True)
class LossAwareCurvature(Technique):
    """Hands D of every loss-aware layer to its quantizer after each step. Raises UsageError unless Adam trains it."""

    def after_step(self, context: Context, progress: float) -> None:
        for layer in latent_layers(context.module):
            if not isinstance(layer.quantizer, LossAwareQuantizer) or layer.weight.grad is None:
                continue
            kept = [optimizer.state[layer.weight] for optimizer in context.optimizers if layer.weight in optimizer.state]
            moments = [state["exp_avg_sq"] for state in kept if "exp_avg_sq" in state]
            if not moments:
                raise UsageError("loss-aware weights need the second moments of Adam", hint='optimizer="adam"')
            with torch.no_grad():
                layer.quantizer.curvature.copy_(moments[0].sqrt() + 1e-8)

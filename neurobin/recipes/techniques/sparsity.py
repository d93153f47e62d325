"""Channel sparsity: an L1 loss on the gates of channels, and the smallest are closed at a stated share of the training.

Network slimming (Liu et al. 2017, arXiv 1708.06519) puts the loss on batch norm's factors; before a sign these say nothing
about a channel, since sign(gamma x + beta) = sign(c gamma x + c beta), so here it acts on `ChannelGate`s. What is left goes
on training without the closed channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from neurobin.errors import UsageError
from neurobin.nn.layers.channel_gate import ChannelGate
from neurobin.recipes.techniques.technique import Batch, Context, Technique


@dataclass(frozen=True)
class ChannelSparsity(Technique):
    """Adds `weight` times the sum of |gate| until progress `at`; then the share `keep` of all channels stays open.

    The gates of all layers are compared with one another; every layer keeps its largest at least. Raises UsageError for
    shares outside (0, 1], and when the network has no gates.
    """

    weight: float
    keep: float
    at: float

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1 or not 0 < self.at <= 1:
            raise UsageError(f"keep and at lie in (0, 1], got {self.keep:g} and {self.at:g}")

    def prepare(self, context: Context) -> None:
        if not _gates(context):
            raise UsageError("channel sparsity acts on gates, and this network has none", hint="SqueezeBlocks")

    def before_step(self, context: Context, progress: float) -> None:
        gates = _gates(context)
        if progress < self.at or not all(bool(layer.open.all()) for layer in gates):
            return
        with torch.no_grad():
            sizes = torch.cat([layer.gate.abs() for layer in gates])
            kept = math.ceil(self.keep * len(sizes))
            chosen = torch.zeros_like(sizes).index_fill_(0, sizes.argsort(descending=True, stable=True)[:kept], 1)
            for layer, share in zip(gates, torch.split(chosen, [len(layer.gate) for layer in gates]), strict=True):
                layer.open.copy_(share)
                layer.open[layer.gate.abs().argmax()] = 1

    def loss(self, context: Context, batch: Batch) -> Tensor | None:
        if batch.progress >= self.at:
            return None
        return self.weight * torch.cat([layer.gate.abs() for layer in _gates(context)]).sum()


def _gates(context: Context) -> list[ChannelGate]:
    return [layer for layer in context.module.modules() if isinstance(layer, ChannelGate)]

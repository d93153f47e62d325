"""Losses by name: logits [N, classes] and labels [N] -> one number; for detection, grids [N, H, W, 5 + K] and boxes."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from neurobin.errors import UsageError, nearest
from neurobin.recipes.detection_loss import detection

Loss = Callable[[Tensor, Tensor], Tensor]


def squared_hinge(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean of max(0, 1 - t o)^2 over images and classes, t = +1 for the label and -1 otherwise (BinaryConnect, BNN)."""
    targets = 2 * functional.one_hot(labels, logits.shape[1]).to(logits.dtype) - 1
    return functional.relu(1 - targets * logits).square().mean()


def none(logits: Tensor, labels: Tensor) -> Tensor:
    """0, for recipes whose techniques bring the whole loss."""
    return logits.sum() * 0


def loss(name: str) -> Loss:
    """The loss of that name. Raises UsageError otherwise."""
    if name not in LOSSES:
        raise UsageError(f"unknown loss {name!r}", hint=nearest(name, LOSSES))
    return LOSSES[name]


LOSSES: dict[str, Loss] = {
    "cross_entropy": functional.cross_entropy,
    "squared_hinge": squared_hinge,
    "detection": detection,
    "none": none,
}

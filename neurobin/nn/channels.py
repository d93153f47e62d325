"""Parameters of one value per channel against activations, whose channels are axis 1 in torch."""

from __future__ import annotations

from torch import Tensor


def per_channel(parameter: Tensor, x: Tensor) -> Tensor:
    """[C] as [1, C, 1, ...], ready to meet x [N, C, ...]."""
    return parameter.view(1, -1, *[1] * (x.dim() - 2))

"""Parameters of one value per channel or filter against tensors: torch has channels of maps on axis 1, filters on axis 0."""

from __future__ import annotations

from torch import Tensor


def per_channel(parameter: Tensor, x: Tensor) -> Tensor:
    """[C] as [1, C, 1, ...], ready to meet x [N, C, ...]."""
    return parameter.view(1, -1, *[1] * (x.dim() - 2))


def per_filter(scale: Tensor, weight: Tensor) -> Tensor:
    """[O] as [O, 1, ...], ready to meet weights [O, ...]; a single value meets all. Images on axis 0 are met alike."""
    return scale.view(-1, *[1] * (weight.dim() - 1))

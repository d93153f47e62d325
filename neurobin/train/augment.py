"""Augmentation by small shifts: the one change of an image that keeps the meaning of digits and of clothes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def shifted(images: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Each image [N, C, H, W] moved by up to `reach` pixels either way in both directions; 0 comes in at the border."""
    if reach == 0:
        return images
    count, channels, height, width = images.shape
    padded = functional.pad(images, (reach,) * 4)
    move = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=generator)
    rows = move[0] + torch.arange(height)
    columns = move[1] + torch.arange(width)
    picture = torch.arange(count).view(count, 1, 1, 1)
    plane = torch.arange(channels).view(1, channels, 1, 1)
    return padded[picture, plane, rows.view(count, 1, height, 1), columns.view(count, 1, 1, width)]

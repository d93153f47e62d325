"""Batch norms that do not learn everything: larq's "no scale" keeps beta only, "no scale and centre" keeps neither.

torch leaves out a parameter that is None, and so does the count of parameters.
"""

from __future__ import annotations

from torch import nn


def centred_norm2d(channels: int) -> nn.Module:
    """Batch norm of maps with beta and without gamma."""
    norm = nn.BatchNorm2d(channels)
    norm.weight = None  # type: ignore[assignment]
    return norm


def centred_norm1d(features: int) -> nn.Module:
    """Batch norm of vectors with beta and without gamma."""
    norm = nn.BatchNorm1d(features)
    norm.weight = None  # type: ignore[assignment]
    return norm


def plain_norm2d(channels: int) -> nn.Module:
    """Batch norm of maps with neither."""
    return nn.BatchNorm2d(channels, affine=False)

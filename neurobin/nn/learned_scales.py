"""How LQ-Nets' scales start and move (Zhang et al. 2018, arXiv 1807.10029, sec. 3), for weights and activations alike."""

from __future__ import annotations

from torch import Tensor

MEDIAN = 0.6745  # of |x| for x normal with variance 1: where the scales start
RIDGE = 1e-4  # lambda of (B^T B + lambda I)^-1 B^T x
KEPT = 0.9  # share of the old scales in a step of the moving average


def move(basis: Tensor, fitted: Tensor) -> None:
    """One step of the moving average of scales of any shape towards the fitted ones, in place."""
    basis.mul_(KEPT).add_(fitted.to(basis.dtype), alpha=1 - KEPT)

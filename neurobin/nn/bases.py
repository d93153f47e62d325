"""Binary bases of least squared error, for many vectors at once: scales for given bases, and the best two bases there are.

All of it is computed in float64, also where the training around it runs in bfloat16.
"""

from __future__ import annotations

import torch
from torch import Tensor

RELATIVE_CUTOFF = 1e-10  # eigenvalues of B^T B below this share of the largest one count as 0


def least_squares(bases: Tensor, target: Tensor, ridge: float = 0.0) -> Tensor:
    """The v [R, M], float64, that minimise ||target - sum_m v_m bases_m||^2 for bases [R, M, n] and targets [R, n].

    Solves (B^T B + ridge I) v = B^T target; where bases coincide, as for a layer of zeros, v is the shortest solution.
    """
    wide = bases.double()
    gram = wide @ wide.transpose(1, 2) + ridge * torch.eye(bases.shape[1], dtype=torch.float64, device=bases.device)
    inverse = torch.linalg.pinv(gram, rtol=RELATIVE_CUTOFF, hermitian=True)
    return (inverse @ (wide @ target.double().unsqueeze(2))).squeeze(2)


def two_clusters(magnitude: Tensor) -> tuple[Tensor, Tensor]:
    """Means (L, R) [O] of the best split of each row [O, n]; equal where one value serves the whole row."""
    wide = magnitude.double()
    ordered = wide.sort(1).values
    smaller = torch.arange(1, wide.shape[1] + 1, device=wide.device)
    below = ordered.cumsum(1)
    left = below / smaller
    larger = wide.shape[1] - smaller
    right = torch.where(larger > 0, (below[:, -1:] - below) / larger.clamp(min=1), left)
    best = (smaller * left.square() + larger * right.square()).argmax(1, keepdim=True)
    return left.gather(1, best)[:, 0].to(magnitude.dtype), right.gather(1, best)[:, 0].to(magnitude.dtype)


def best_kept(magnitude: Tensor) -> Tensor:
    """The mean [O] of the largest values of each row [O, n], as many of them as explain most of the row."""
    kept = torch.arange(1, magnitude.shape[1] + 1, device=magnitude.device)
    means = magnitude.double().sort(1, descending=True).values.cumsum(1) / kept
    best = (kept * means.square()).argmax(1, keepdim=True)
    return means.gather(1, best)[:, 0].to(magnitude.dtype)

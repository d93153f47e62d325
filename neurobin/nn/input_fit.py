"""Weight codes fitted to what a layer computes on its inputs: min over B, alpha of ||X^T w - alpha X^T B||^2 per filter.

With the second moment of the inputs S = X X^T the error is (w - alpha B)^T S (w - alpha B). Given B the best scale is
alpha = w^T S B / (B^T S B); given alpha and all other codes of the filter, the best code j is the one nearest to

    r_j / (alpha S_jj),  r_j = (S w)_j - alpha sum_(i != j) S_ji B_i

Codes are taken one after another, for all filters at once, and sweeps repeat until no code changes (Hu et al. 2018, From
Hashing to CNNs, arXiv 1802.02733, do so for signs). The error never rises; the result is a local minimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

Nearest = Callable[[Tensor, Tensor], Tensor]  # (r_j, alpha S_jj), the latter not negative -> the nearest codes


@runtime_checkable
class Fitted(Protocol):
    """A quantizer whose codes are fitted to its layer's inputs at one moment of the training."""

    fitted: Tensor  # bool, a buffer

    def fit(self, weight: nn.Parameter, moment: Tensor) -> None:
        """Find the codes of `weight` [O, ...] for inputs of second moment [G, n, n], G groups, n weights in a filter."""


@dataclass(frozen=True, eq=False)
class Fit:
    """`codes` [O, n] and `alpha` [O], not negative, float64."""

    codes: Tensor
    alpha: Tensor


def nearest_sign(wanted: Tensor, unit: Tensor) -> Tensor:
    """+1 where r_j >= 0, else -1."""
    return 2 * (wanted >= 0).to(wanted.dtype) - 1


def nearest_ternary(wanted: Tensor, unit: Tensor) -> Tensor:
    """sign(r_j) where |r_j| > alpha S_jj / 2, else 0."""
    return wanted.sign() * (2 * wanted.abs() > unit)


def fit_codes(weight: Tensor, moment: Tensor, start: Tensor, nearest: Nearest, sweeps: int) -> Fit:
    """Fit the codes of filters `weight` [O, n] to `moment` [G, n, n], going out from the codes `start` [O, n].

    Filters belong to the groups in order. At most `sweeps` rounds over all codes.
    """
    groups, n, _ = moment.shape
    s = moment.double()
    codes = start.double().reshape(groups, -1, n).clone()
    target = weight.double().reshape(groups, -1, n) @ s  # w^T S
    alpha = _scale(target, codes, s)
    codes, alpha = torch.where(alpha < 0, -codes, codes), alpha.abs()
    for _ in range(sweeps):
        before = codes.clone()
        for j in range(n):
            column, diagonal = s[:, :, j : j + 1], s[:, j, j].view(-1, 1, 1)
            others = codes @ column - codes[:, :, j : j + 1] * diagonal
            codes[:, :, j : j + 1] = nearest(target[:, :, j : j + 1] - alpha * others, alpha * diagonal)
        alpha = _scale(target, codes, s)
        if torch.equal(codes, before):
            break
    return Fit(codes.reshape(weight.shape), alpha.reshape(-1))


def _scale(target: Tensor, codes: Tensor, s: Tensor) -> Tensor:
    """alpha [G, F, 1]; 0 where the codes see no input."""
    power = ((codes @ s) * codes).sum(2, keepdim=True)
    return (target * codes).sum(2, keepdim=True) / torch.where(power > 0, power, torch.ones_like(power))

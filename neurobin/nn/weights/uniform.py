"""Uniform weights of k bits between two learned ends l and u: q(w) = l + d n, d = (u - l) / (2^k - 1).

n = floor((clip(w, l, u) - l) / d + 1/2).

Gradient: one of two, `soft` or not.
- Straight through the rounding, as in APQ (Wang et al. 2020, arXiv 2006.08509). l and u learn from the weights beyond them
  and, like w, through the rounding.
- Soft, as in DSQ (Gong et al. 2019, arXiv 1908.05033, eqs. 3 to 8): in the cell i of w, with middle m = l + (i + 1/2) d,
  n = i + (sign(phi) + 1) / 2 with phi = s tanh(k (w - m)), s = 1 / (1 - a), k = log(2 / a - 1) / d. Backward, phi stands for
  its sign: dq/dw = d/2 s k (1 - tanh(k (w - m))^2), and l, u and the softness a learn through phi as well.

As codes: q = d/2 (2 n - (2^k - 1)) + (l + u) / 2, an odd number per weight, and a constant that needs a second term of ones.
With `symmetric`, l = -u and there is no second term.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR, DType, Encoding
from neurobin.nn.estimators import STRAIGHT_THROUGH, soft_round, substitute
from neurobin.nn.printed import arguments
from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer

SOFTNESS = 0.2  # a at the start
SOFTNESS_RANGE = (0.01, 0.5)
REACH = {1: 0.8, 2: 1.5, 3: 2.05, 4: 2.5}  # u at the start over sqrt(mean w^2): least squared error for Gaussian weights
LEAST_WIDTH = 1e-6


@dataclass(frozen=True)
class UniformWeights:
    """2^bits levels between learned ends; `soft` takes DSQ's gradient, `symmetric` ties l to -u."""

    bits: int
    soft: bool = False
    symmetric: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 8:
            raise UsageError(f"uniform weights have 1 to 8 bits here, got {self.bits}")

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        return UniformQuantizer(weight, self)


class UniformQuantizer(nn.Module):
    """The ends of one layer, each a parameter [1], and the softness [1] of the soft gradient."""

    def __init__(self, weight: Tensor, scheme: UniformWeights) -> None:
        super().__init__()
        self.scheme, self.steps = scheme, 2**scheme.bits - 1
        reach = REACH.get(scheme.bits, 3.0) * weight.detach().square().mean().sqrt().view(1)
        reach = torch.where(reach > 0, reach, torch.ones_like(reach))
        self.upper = nn.Parameter(reach)
        self.lower = None if scheme.symmetric else nn.Parameter(-reach)
        self.softness = nn.Parameter(torch.full_like(reach, SOFTNESS)) if scheme.soft else None

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        levels = self._soft(weight, progress) if self.scheme.soft else self._rounded(weight, progress)
        low, width = self._ends()
        value = (2 * levels - self.steps) * (width / (2 * self.steps))
        return value if self.scheme.symmetric else value + (low + width / 2)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        low, width = self._ends()
        levels = self._rounded(weight.detach(), 1.0)
        codes = (2 * levels - self.steps).detach()
        term = WeightCodes(codes, width / (2 * self.steps), DType(Encoding.BIPOLAR, self.scheme.bits))
        if self.scheme.symmetric:
            return (term,)
        return term, WeightCodes(torch.ones_like(codes), low + width / 2, BIPOLAR)

    def _ends(self) -> tuple[Tensor, Tensor]:
        """l and u - l, which stays positive."""
        if self.lower is None:
            half = self.upper.clamp(min=LEAST_WIDTH / 2)
            return -half, 2 * half
        return self.lower, (self.upper - self.lower).clamp(min=LEAST_WIDTH)

    def _position(self, weight: Tensor) -> Tensor:
        """(clip(w, l, u) - l) / d, in 0 ... 2^k - 1."""
        low, width = self._ends()
        clipped = torch.where(weight < low, low, torch.where(weight > low + width, low + width, weight))
        return (clipped - low) / (width / self.steps)

    def _rounded(self, weight: Tensor, progress: float) -> Tensor:
        position = self._position(weight)
        nearest = torch.floor(position.detach() + 0.5).clamp(0, self.steps)
        return substitute(position, nearest, STRAIGHT_THROUGH, progress)

    def _soft(self, weight: Tensor, progress: float) -> Tensor:
        """Rounded forward; backward the staircase, whose cells lie between whole positions."""
        assert self.softness is not None
        position = self._position(weight)
        nearest = torch.floor(position.detach() + 0.5).clamp(0, self.steps)
        softness = substitute(self.softness, self.softness.clamp(*SOFTNESS_RANGE), STRAIGHT_THROUGH)
        stairs = soft_round(position, softness)
        return substitute(stairs, nearest, STRAIGHT_THROUGH, progress)

    def extra_repr(self) -> str:
        return arguments(self.scheme)

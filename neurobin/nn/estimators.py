"""Gradient estimators: what the backward pass puts in place of the derivative of a quantizer, which is 0 almost everywhere.

An estimator is one formula dy/dx of the quantizer's input and of the training's progress, the share of steps done in
[0, 1]. To add one, write its derivative and one `Estimator` here (in `annealed` where progress matters); every quantizer
takes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from neurobin.nn.steps import inside, within


@dataclass(frozen=True, repr=False)
class Estimator:
    """`derivative` maps the quantizer's input and the progress to the dy/dx used in training, element by element.

    `product` gives gradient times derivative in one pass, for the few formulas for which torch has a kernel.
    """

    name: str
    derivative: Callable[[Tensor, float], Tensor]
    formula: str
    paper: str
    product: Callable[[Tensor, Tensor], Tensor] | None = None

    def gradient(self, gradient: Tensor, x: Tensor, progress: float) -> Tensor:
        """The gradient at the quantizer's input `x` from the one at its output."""
        return gradient * self.derivative(x, progress) if self.product is None else self.product(gradient, x)

    def __repr__(self) -> str:
        return self.name


class _Substitute(torch.autograd.Function):
    """Forward: the given value. Backward: the gradient times the estimator's derivative at x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor, estimator: Estimator, progress: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.estimator, ctx.progress = estimator, progress
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (x,) = ctx.saved_tensors
        return ctx.estimator.gradient(gradients[0], x, ctx.progress), None, None, None


def substitute(x: Tensor, value: Tensor, estimator: Estimator, progress: float = 1.0) -> Tensor:
    """`value` in the forward pass, the estimator's derivative in the backward pass; nothing reaches `value` itself."""
    return cast(Tensor, _Substitute.apply(x, value.detach(), estimator, progress))  # type: ignore[no-untyped-call]


def _straight(x: Tensor, progress: float) -> Tensor:
    return torch.ones_like(x)


def _unchanged(gradient: Tensor, x: Tensor) -> Tensor:
    return gradient


def _triangle(x: Tensor, progress: float) -> Tensor:
    return torch.clamp(1 - x.abs(), min=0)


def _polynomial(x: Tensor, progress: float) -> Tensor:
    return torch.clamp(2 - 2 * x.abs(), min=0)


def clipped(limit: float = 1.0) -> Estimator:
    """The straight-through estimator that stops outside [-limit, limit] (Hubara et al. 2016, arXiv 1602.02830, eq. 4).

    Later papers widen the window: 1.25 in ResNetE, 1.3 in BinaryDenseNet (Bethge et al. 2019, arXiv 1906.08637).
    """

    def derivative(x: Tensor, progress: float) -> Tensor:
        return within(torch.ones_like(x), x, limit)

    def product(gradient: Tensor, x: Tensor) -> Tensor:
        return within(gradient, x, limit)

    return Estimator(f"clip_{limit:g}", derivative, f"1 if |x| <= {limit:g} else 0", "arXiv 1602.02830", product)


def swish(beta: float = 5.0) -> Estimator:
    """The slope of SS(x) = 2 s(beta x) (1 + beta x (1 - s(beta x))) - 1, s the logistic function: sign for large beta.

    BNN+ (Darabi et al. 2018, arXiv 1812.11800, sec. 3.1). It is negative beyond |x| = 2.4 / beta or so.
    """

    def derivative(x: Tensor, progress: float) -> Tensor:
        z = beta * x
        return beta * (2 - z * torch.tanh(z / 2)) / (1 + torch.cosh(z))

    formula = f"b (2 - b x tanh(b x / 2)) / (1 + cosh(b x)), b = {beta:g}"
    return Estimator(f"swish_{beta:g}", derivative, formula, "Darabi et al. 2018, BNN+, arXiv 1812.11800")


def clipped_relu(top: float) -> Estimator:
    """1 between 0 and the largest level `top`, for quantizers of positive values (Cai et al. 2017, HWGQ, sec. 3.3)."""

    def derivative(x: Tensor, progress: float) -> Tensor:
        return inside(torch.ones_like(x), x, 0.0, top)

    return Estimator(f"clipped_relu_{top:g}", derivative, f"1 if 0 < x <= {top:g} else 0", "HWGQ, arXiv 1702.00953")


def log_tailed_relu(top: float) -> Estimator:
    """As `clipped_relu`, with 1 / (x - (top - 1)) beyond `top`, where the surrogate goes on as a logarithm."""

    def derivative(x: Tensor, progress: float) -> Tensor:
        return inside(torch.ones_like(x), x, 0.0, math.inf) / (x - (top - 1)).clamp(min=1)

    formula = f"0 if x <= 0, 1 up to {top:g}, then 1 / (x - {top - 1:g})"
    return Estimator(f"log_tailed_relu_{top:g}", derivative, formula, "HWGQ, arXiv 1702.00953")


def soft_round(codes: Tensor, alpha: Tensor) -> Tensor:
    """A smooth staircase between whole numbers, whose slope differentiable soft quantization gives to rounding.

    Gong et al. 2019 (DSQ, arXiv 1908.05033, eqs. 3 to 8), in units of a step: within the cell from i to i + 1
    y = i + 1/2 + tanh(k (x - i - 1/2)) / (2 (1 - alpha)), k = log(2 / alpha - 1), which meets i and i + 1 at its ends.
    `alpha` in (0, 1) says how far tanh stays from its limits at a cell's ends: small is steep. Gradients reach both.
    """
    centre = codes.detach().floor() + 0.5
    return centre + torch.tanh(torch.log(2 / alpha - 1) * (codes - centre)) / (2 * (1 - alpha))


STRAIGHT_THROUGH = Estimator("ste", _straight, "1", "Bengio et al. 2013, arXiv 1308.3432", _unchanged)
POLYNOMIAL = Estimator("poly", _polynomial, "2 - 2|x| if |x| <= 1 else 0", "Liu et al. 2018, Bi-Real Net, arXiv 1808.00278")
CLIPPED = clipped(1.0)
TRIANGLE = Estimator("triangle", _triangle, "max(0, 1 - |x|)", "Esser et al. 2016, Eedn, arXiv 1603.08270")
SWISH = swish()

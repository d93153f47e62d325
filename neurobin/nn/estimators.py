"""Gradient estimators: what the backward pass puts in place of the derivative of a quantizer, which is 0 almost everywhere.

An estimator is one formula dy/dx of the quantizer's input and of the training's progress, the share of steps done in
[0, 1]. To add one, write its derivative and one `Estimator` here; every quantizer takes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor


@dataclass(frozen=True)
class Estimator:
    """`derivative` maps the quantizer's input and the progress to the dy/dx used in training, element by element."""

    name: str
    derivative: Callable[[Tensor, float], Tensor] = field(repr=False)
    formula: str
    paper: str = field(repr=False)


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
        return gradients[0] * ctx.estimator.derivative(x, ctx.progress), None, None, None


def substitute(x: Tensor, value: Tensor, estimator: Estimator, progress: float = 1.0) -> Tensor:
    """`value` in the forward pass, the estimator's derivative in the backward pass; nothing reaches `value` itself."""
    return cast(Tensor, _Substitute.apply(x, value.detach(), estimator, progress))  # type: ignore[no-untyped-call]


def _straight(x: Tensor, progress: float) -> Tensor:
    return torch.ones_like(x)


def _polynomial(x: Tensor, progress: float) -> Tensor:
    return torch.clamp(2 - 2 * x.abs(), min=0)


def clipped(limit: float = 1.0) -> Estimator:
    """The straight-through estimator that stops outside [-limit, limit] (Hubara et al. 2016, arXiv 1602.02830, eq. 4).

    Later papers widen the window: 1.25 in ResNetE, 1.3 in BinaryDenseNet (Bethge et al. 2019, arXiv 1906.08637).
    """

    def derivative(x: Tensor, progress: float) -> Tensor:
        return (x.abs() <= limit).to(x.dtype)

    return Estimator(f"clip_{limit:g}", derivative, f"1 if |x| <= {limit:g} else 0", "arXiv 1602.02830")


STRAIGHT_THROUGH = Estimator("ste", _straight, "1", "Bengio et al. 2013, arXiv 1308.3432")
POLYNOMIAL = Estimator("poly", _polynomial, "2 - 2|x| if |x| <= 1 else 0", "Liu et al. 2018, Bi-Real Net, arXiv 1808.00278")
CLIPPED = clipped(1.0)

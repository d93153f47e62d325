"""Bop, the binary optimizer (Helwegen et al. 2019, "Latent Weights Do Not Exist", arXiv 1906.02107, algorithm 1).

There are no latent weights: w is -1 or +1, and the optimizer flips it. With g the gradient at w,

    m <- (1 - gamma) m + gamma g        w <- -w  where |m| > threshold and sign(m) = sign(w), that is where w m > threshold
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

from neurobin.errors import UsageError


class Bop(Optimizer):
    """Parameters of -1 and +1. gamma, the rate at which the mean follows the gradient, stands where others keep `lr`:
    so a schedule lets it decay, as in the paper's experiments.

    Raises UsageError for a gamma outside (0, 1] or a negative threshold.
    """

    def __init__(self, parameters: Iterable[Tensor], gamma: float = 1e-4, threshold: float = 1e-8) -> None:
        if not 0 < gamma <= 1:
            raise UsageError(f"Bop's gamma lies in (0, 1], got {gamma:g}")
        if threshold < 0:
            raise UsageError(f"Bop's threshold is not negative, got {threshold:g}")
        super().__init__(parameters, {"lr": gamma, "threshold": threshold})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                mean = state.setdefault("mean", torch.zeros_like(weight))
                mean.lerp_(weight.grad, group["lr"])
                weight.copy_(torch.where(weight * mean > group["threshold"], -weight, weight))
        return loss

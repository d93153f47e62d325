"""TSQ weights (Wang et al. 2018, Two-Step Quantization for Low-bit Neural Networks, CVPR): ternary weights for given inputs.

The second of the two steps takes a network with quantized activations and real weights and gives every filter

    q(w) = alpha t, with alpha, t in {-1, 0, +1} = argmin ||X^T w - alpha X^T t||^2

over the layer's inputs X (see `neurobin.nn.input_fit`). The paper's error is that of the quantized outputs, ||y - Q(alpha
X^T t)||^2, with Q the next layer's quantizer, and it is lowered through auxiliary sums z; here Q and z are left out, so that
errors that Q would hide count as well. Codes and scales are fixed once found: what follows them is trained on.

Gradient: 1 while the weights are real, 0 once they are fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.ir import TERNARY
from neurobin.nn.input_fit import fit_codes, nearest_ternary
from neurobin.nn.printed import arguments
from neurobin.nn.weights.least_squares_bases import LeastSquaresTernary
from neurobin.nn.weights.quantizer import WeightCodes, total


@dataclass(frozen=True)
class TwoStepTernary:
    """alpha * {-1, 0, +1} per filter; `sweeps` bounds the rounds over all codes. Weights never fitted fall back to the best
    ternary ones for white inputs, `LeastSquaresTernary`, which is also where the search starts."""

    sweeps: int = 10

    def bind(self, weight: nn.Parameter) -> TwoStepTernaryQuantizer:
        return TwoStepTernaryQuantizer(self, weight.detach())


class TwoStepTernaryQuantizer(nn.Module):
    """Holds `codes` [O, ...] and `alpha` [O] of one layer once they are `fitted`; before, training weights are real."""

    fitted: Tensor
    codes: Tensor
    alpha: Tensor

    def __init__(self, scheme: TwoStepTernary, weight: Tensor) -> None:
        super().__init__()
        self.scheme = scheme
        self.register_buffer("fitted", torch.tensor(False))
        self.register_buffer("codes", torch.zeros_like(weight))
        self.register_buffer("alpha", weight.new_zeros(len(weight)))

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        return total(self.terms(weight)).detach() if self.fitted or progress >= 1 else weight

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        if not self.fitted:
            return LeastSquaresTernary().terms(weight)
        return (WeightCodes(self.codes, self.alpha, TERNARY),)

    def fit(self, weight: nn.Parameter, moment: Tensor) -> None:
        """Fix codes and scales of `weight` [O, ...] for inputs of second moment [G, n, n]."""
        latent = weight.detach()
        start = LeastSquaresTernary().terms(latent)[0].codes
        found = fit_codes(latent.flatten(1), moment, start.flatten(1), nearest_ternary, self.scheme.sweeps)
        self.codes.copy_(found.codes.view_as(latent))
        self.alpha.copy_(found.alpha)
        self.fitted.fill_(True)

    def extra_repr(self) -> str:
        return arguments(self.scheme)

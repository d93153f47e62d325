"""INQ weights (Zhou et al. 2017, arXiv 1702.03044, sec. 2): powers of two, reached group by group.

A layer of b bits has the values q(w) = 0 and +-2^n2 ... +-2^n1 with n1 = floor(log2(4 s / 3)), s = max |w| of the layer, and
n2 = n1 + 1 - 2^(b-1) / 2. Of two neighbours alpha < beta among 0, 2^n2, ..., 2^n1 a weight takes beta if
(alpha + beta) / 2 <= |w| < 3 beta / 2; weights that outgrow 3/2 2^n1 later take 2^n1.

Training has equal parts, one more than there are shares: in the first all weights are real, then the largest half takes
its values for good, then 75 %, 87.5 % and all of them. The weights that are still real make up for those that are not.

The codes are whole numbers times 2^n2, up to 2^(2^(b-2) - 1): ternary for b = 2, and 3, 5 and 9 bits of two's complement for
b = 3, 4 and 5, since no element type holds powers of two alone.

Gradient: 1 for weights that are still real, 0 for those that have their value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import TERNARY, DType, int_for
from neurobin.nn.printed import arguments
from neurobin.nn.weights.quantizer import WeightCodes
from neurobin.nn.weights.shares import SHARES, check_shares


@dataclass(frozen=True)
class PowerOfTwo:
    """Powers of two of `bits` bits; `shares` of the weights are quantized in the parts of the training after the first."""

    bits: int = 5
    shares: tuple[float, ...] = SHARES

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 5:
            raise UsageError(f"INQ weights have 2 to 5 bits here, got {self.bits}")
        check_shares(self.shares)

    @property
    def powers(self) -> int:
        """How many powers of two there are of one sign."""
        return 2 ** (self.bits - 2)

    @property
    def dtype(self) -> DType:
        top = 2 ** (self.powers - 1)
        return TERNARY if top == 1 else int_for(-top, top)

    def share(self, progress: float) -> float:
        """The share of the weights that is quantized at `progress`."""
        part = int(progress * (len(self.shares) + 1))
        return 0.0 if part == 0 else self.shares[min(part, len(self.shares)) - 1]

    def bind(self, weight: nn.Parameter) -> PowerOfTwoQuantizer:
        return PowerOfTwoQuantizer(self, weight.detach())


class PowerOfTwoQuantizer(nn.Module):
    """Remembers of one layer which weights are `frozen`, at which `codes`, and the `step` 2^n2 (0 before the first are)."""

    frozen: Tensor
    codes: Tensor
    step: Tensor

    def __init__(self, scheme: PowerOfTwo, weight: Tensor) -> None:
        super().__init__()
        self.scheme = scheme
        self.register_buffer("frozen", torch.zeros_like(weight, dtype=torch.bool))
        self.register_buffer("codes", torch.zeros_like(weight))
        self.register_buffer("step", weight.new_zeros(()))

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        if progress >= 1:
            codes, step = self._quantized(weight.detach())
            return codes * step
        if self.training:
            self._freeze(weight.detach(), self.scheme.share(progress))
        return torch.where(self.frozen, self.codes * self.step, weight)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        codes, step = self._quantized(weight)
        return (WeightCodes(codes, step.view(1), self.scheme.dtype),)

    def _freeze(self, weight: Tensor, share: float) -> None:
        """Give the largest of the weights that are still real their codes, until `share` of all weights has one."""
        missing = round(share * weight.numel()) - int(self.frozen.sum())
        if missing <= 0:
            return
        codes, step = self._quantized(weight)
        flags = self.frozen.flatten().clone()
        flags[weight.abs().flatten().masked_fill(flags, -1).topk(missing).indices] = True
        self.frozen.copy_(flags.view(weight.shape))
        self.codes.copy_(torch.where(self.frozen, codes, 0.0))
        self.step.copy_(step)

    def _quantized(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """All codes, the frozen ones as they are, and the step, which the first frozen weights fixed."""
        step = self.step if self.step > 0 else self._first_step(weight)
        count = self.scheme.powers
        powers = 2.0 ** torch.arange(count, dtype=weight.dtype, device=weight.device)
        borders = torch.cat([powers[:1] / 2, 0.75 * powers[1:]])
        values = torch.cat([powers.new_zeros(1), powers])
        codes = weight.sign() * values[torch.bucketize((weight.abs() / step).contiguous(), borders, right=True)]
        return torch.where(self.frozen, self.codes, codes), step

    def _first_step(self, weight: Tensor) -> Tensor:
        largest = float(weight.detach().abs().max())
        highest = math.floor(math.log2(4 * largest / 3)) if 0 < largest < math.inf else 0
        return weight.new_tensor(2.0 ** (highest + 1 - self.scheme.powers))

    def extra_repr(self) -> str:
        return arguments(self.scheme)

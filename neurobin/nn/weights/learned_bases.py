"""LQ-Nets weights (Zhang et al. 2018, arXiv 1807.10029, sec. 3): k binary bases with learned scales per filter.

q(w) = sum of b_i v_i with signs b_i, the level nearest to w: thresholds are the midpoints of the sorted levels, and a weight
on a midpoint takes the upper level. Each training step fits the scales to the signs B it found, by
(B^T B + 1e-4 I)^-1 B^T w, and moves v a tenth of the way there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR
from neurobin.nn.bases import least_squares
from neurobin.nn.channels import per_filter
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.learned_scales import MEDIAN, RIDGE, move
from neurobin.nn.printed import arguments
from neurobin.nn.steps import sign
from neurobin.nn.weights.quantizer import WeightCodes, total


@dataclass(frozen=True)
class LearnedBases:
    """`bits` bases per filter, at most 4 of them: the 2^bits levels are searched one filter at a time."""

    bits: int = 2
    estimator: Estimator = STRAIGHT_THROUGH

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 4:
            raise UsageError(f"LQ-Nets weights have 1 to 4 bits here, got {self.bits}")

    def bind(self, weight: nn.Parameter) -> LearnedBasesQuantizer:
        return LearnedBasesQuantizer(self, weight.detach())


class LearnedBasesQuantizer(nn.Module):
    """Holds the scales `basis` [O, bits] of one layer's filters, updated by every training step before the last."""

    basis: Tensor

    def __init__(self, scheme: LearnedBases, weight: Tensor) -> None:
        super().__init__()
        self.scheme = scheme
        start = MEDIAN * weight.square().mean().sqrt() / 2 ** (scheme.bits - 1)
        powers = 2.0 ** torch.arange(scheme.bits, dtype=weight.dtype)
        self.register_buffer("basis", (start * powers).repeat(len(weight), 1))

    def forward(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        latent = weight.detach()
        if self.training and progress < 1:
            signs = self._signs(latent).flatten(2).transpose(0, 1)
            move(self.basis, least_squares(signs, latent.flatten(1), RIDGE))
        return substitute(weight, total(self.terms(latent)), self.scheme.estimator, progress)

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        """One term per base; a base of negative scale comes with all its signs turned."""
        signs, turned = self._signs(weight), sign(self.basis)
        return tuple(
            WeightCodes(signs[i] * per_filter(turned[:, i], weight), self.basis[:, i].abs(), BIPOLAR)
            for i in range(self.scheme.bits)
        )

    def _signs(self, weight: Tensor) -> Tensor:
        """The bases [bits, *shape of the weight] of the level nearest to each weight."""
        bits = self.scheme.bits
        codes = torch.arange(2**bits, device=weight.device)
        planes = 2 * ((codes[:, None] >> torch.arange(bits, device=weight.device)) & 1) - 1  # [2^bits, bits]
        levels, order = (self.basis[:, None] * planes).sum(2).sort(1)  # no matrix product: autocast would round it
        middles = ((levels[:, 1:] + levels[:, :-1]) / 2).to(weight.dtype)
        place = torch.searchsorted(middles, weight.flatten(1).contiguous(), right=True)
        signs = planes.to(weight.dtype)[order]  # [O, 2^bits, bits], levels ascending
        return torch.stack([signs[:, :, i].gather(1, place).view(weight.shape) for i in range(bits)])

    def extra_repr(self) -> str:
        return arguments(self.scheme)

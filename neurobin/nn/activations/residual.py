"""Residual binarization (Ghasemzadeh et al. 2018, ReBNet, arXiv 1711.01243, alg. 1).

e_1 = x, plane l = sign(e_l), e_(l+1) = e_l - g_l sign(e_l), y = sum of g_l sign(e_l); the scales g_l are learned, one set
per layer.

Gradient: through the whole recursion, with the estimator at each sign.

The scales are kept on a grid of whole-number ratios to the first one, each larger than the sum of those behind it (see
`ordered_ratios`): y is then the level nearest to x, and the planes deploy as whole numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder, DType, Encoding
from neurobin.nn.activations.levels import GRID, check_bits, ordered_ratios, plane_type, positive, reached, write
from neurobin.nn.estimators import CLIPPED, STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.steps import sign


class ResidualSigns(nn.Module):
    """[N, C, ...] -> 2^levels values; the scales start at L, L - 1, ..., 1 over their sum. Raises UsageError above 4."""

    progress = 1.0

    def __init__(self, channels: int, levels: int = 2, estimator: Estimator = CLIPPED) -> None:
        super().__init__()
        check_bits("residual", levels, 4)
        self.levels = levels
        start = torch.arange(levels, 0, -1.0)
        self.gamma = nn.Parameter(start / start.sum())
        self.estimator = estimator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self._nearest(x)
        value, rest = torch.zeros_like(x), x
        for scale in self._scales().unbind():
            plane = scale * substitute(rest, sign(rest), self.estimator, self.progress)
            value, rest = value + plane, rest - plane
        return value

    def _nearest(self, x: Tensor) -> Tensor:
        thresholds, dtype, unit = self._levels()
        table = torch.from_numpy(dtype.table).sort().values.to(x)
        return unit * table[reached(x, thresholds).long()]

    def _unit(self) -> Tensor:
        """The real step of the grid."""
        return positive(self.gamma.detach()[0].abs()) / GRID

    def _ratios(self) -> tuple[int, ...]:
        return ordered_ratios(self.gamma.detach().tolist())

    def _scales(self) -> Tensor:
        """[levels] on the grid, with the gradient of |gamma|."""
        exact = self._unit() * torch.tensor(self._ratios()).to(self.gamma)
        return substitute(self.gamma.abs(), exact, STRAIGHT_THROUGH)

    def _levels(self) -> tuple[Tensor, DType, Tensor]:
        """Thresholds half-way between the levels, the type of the codes, and the value of its 1."""
        dtype, common = plane_type(Encoding.BIPOLAR, self._ratios())
        unit = common * self._unit()
        codes = torch.from_numpy(dtype.table).sort().values.to(unit)
        return unit * ((codes[1:] + codes[:-1]) / 2), dtype, unit

    def emit(self, b: Builder, *inputs: str) -> str:
        thresholds, dtype, unit = self._levels()
        return write(b, inputs, thresholds=thresholds, dtype=dtype, scale=unit.item())

    def extra_repr(self) -> str:
        return f"levels={self.levels}, estimator={self.estimator}"

"""LQ-Nets activations (Zhang et al. 2018, arXiv 1807.10029, sec. 3): 2^k levels from k learned scales, one set per layer.

y = sum of b_i v_i with bits b_i, the level nearest to x: thresholds are the midpoints of the sorted levels. Each training
step fits the scales to the bits B it found, by (B^T B + 1e-4 I)^-1 B^T x, and moves v a tenth of the way there.

Gradient: that of min(x, top level) for x > 0, which is 1 for 0 < x <= top level and 0 elsewhere.

The scales act on a grid of whole-number ratios to the largest (see `levels`), so that the planes deploy as whole numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurobin.ir import Builder, Encoding
from neurobin.nn.activations.levels import GRID, LEAST, check_bits, distinct_ratios, plane_type, reached, write
from neurobin.nn.estimators import STRAIGHT_THROUGH, substitute
from neurobin.nn.learned_scales import MEDIAN, RIDGE, move


class LearnedLevels(nn.Module):
    """[N, C, ...] -> 2^bits values from 0 on. Raises UsageError for more than 4 bits."""

    progress = 1.0
    basis: Tensor

    def __init__(self, channels: int, bits: int = 2) -> None:
        super().__init__()
        self.bits = check_bits("LQ-Nets", bits, 4)
        self.register_buffer("basis", 2.0 ** torch.arange(bits) * 2 * MEDIAN / (2**bits - 1))

    def forward(self, x: Tensor) -> Tensor:
        thresholds, codes, unit = self._levels()
        place = reached(x.detach(), thresholds).long()
        if self.training and self.progress < 1:
            self._fit(x.detach(), place)
        top = unit * codes[-1]
        inside = torch.where((x > 0) & (x <= top), x, torch.zeros_like(x))
        return substitute(inside, (unit * codes)[place].to(x.dtype), STRAIGHT_THROUGH)

    def _levels(self) -> tuple[Tensor, Tensor, Tensor]:
        """Thresholds [L - 1], the levels' whole numbers [L] ascending, and the value of 1."""
        ratios, planes = self._planes()
        codes = (planes * ratios).sum(1)
        unit = self._unit()
        return unit * ((codes[1:] + codes[:-1]) / 2), codes, unit

    def _unit(self) -> Tensor:
        """The real step of the grid."""
        return self.basis.max().clamp(min=LEAST) / GRID

    def _planes(self) -> tuple[Tensor, Tensor]:
        """(ratios [bits] of the scales, bits [L, bits] of each level in ascending order)."""
        ratios = torch.tensor(distinct_ratios(self.basis.tolist())).to(self.basis)
        places = torch.arange(2**self.bits, device=self.basis.device)
        planes = ((places[:, None] >> torch.arange(self.bits, device=self.basis.device)) & 1).to(self.basis)
        return ratios, planes[(planes * ratios).sum(1).argsort()]

    def _fit(self, x: Tensor, place: Tensor) -> None:
        """Least squares from sums over the values of each level: B^T B = sum n_j b_j b_j^T, B^T x = sum of (sum x)_j b_j."""
        planes = self._planes()[1].double()
        flat = place.flatten()
        count = torch.bincount(flat, minlength=len(planes)).double()
        total = torch.bincount(flat, x.flatten().double(), minlength=len(planes))
        gram = planes.T @ (count[:, None] * planes) + RIDGE * torch.eye(self.bits, dtype=torch.float64, device=x.device)
        fitted = torch.linalg.solve(gram, planes.T @ total)
        move(self.basis, fitted)

    def emit(self, b: Builder, *inputs: str) -> str:
        thresholds, _, unit = self._levels()
        dtype, common = plane_type(Encoding.UNSIGNED, distinct_ratios(self.basis.tolist()))
        return write(b, inputs, thresholds=thresholds, dtype=dtype, scale=common * unit.item())

    def extra_repr(self) -> str:
        return f"bits={self.bits}"

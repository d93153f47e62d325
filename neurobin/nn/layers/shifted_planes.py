"""ABC-Net activations (Lin et al. 2017, arXiv 1711.11294, eqs. 7 to 9): N planes with learned shifts and scales.

plane_n = 2 * 1[clip(x + v_n, 0, 1) >= 1/2] - 1, which is sign(x - t_n) with the threshold t_n = 1/2 - v_n. Thresholds
start spread evenly over [-1, 1], scales at 1 / N.

Gradient: that of the clip, 1 where |x - t_n| <= 1/2, unless another estimator is given; it is taken at x - t_n.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nn.emit import affine, real
from neurobin.nn.estimators import Estimator, clipped, substitute
from neurobin.nn.layers.planes_conv import Scaling
from neurobin.nn.steps import sign
from neurobin.ops.sign import Sign


class ShiftedPlanes(nn.Module):
    """Thresholds and scales of a layer, one of each per plane and the same for all channels."""

    progress = 1.0

    def __init__(self, channels: int, count: int = 3, estimator: Estimator = clipped(0.5)) -> None:
        super().__init__()
        if not 1 <= count <= 8:
            raise UsageError(f"expected 1 to 8 planes, got {count}")
        self.threshold = nn.Parameter(torch.linspace(-1, 1, count) if count > 1 else torch.zeros(1))
        self.scale = nn.Parameter(torch.full((count,), 1 / count))
        self.count, self.estimator = count, estimator

    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        shifted = [x - threshold for threshold in self.threshold]
        planes = (substitute(s, sign(s), self.estimator, self.progress) for s in shifted)
        return list(zip(planes, self.scale, strict=True))

    def emit(self, b: Builder, x: str) -> list[tuple[str, Scaling]]:
        def scaled(scale: Tensor, sums: str) -> str:
            return b.add(affine(scale), sums)

        return [
            (b.add(Sign(real(threshold)), x), partial(scaled, scale))
            for threshold, scale in zip(self.threshold, self.scale, strict=True)
        ]

    def extra_repr(self) -> str:
        return f"count={self.count}, estimator={self.estimator}"

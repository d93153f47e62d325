"""High-order residual quantization of activations (Li et al. 2017, HORQ, arXiv 1708.08687, eqs. 8 to 11).

e_1 = x, b_n = mean |e_n|, plane_n = sign(e_n), e_(n+1) = e_n - b_n plane_n: x ~ sum_n b_n plane_n, each term the best one
for what the terms before it left over. The mean runs over one image's whole map, so the scales depend on the input. The
paper takes residuals in the unrolled input, one scale per window; overlapping windows then have different residuals of the
same pixel, and no map holds their planes.

Gradient: through planes and scales of the whole recursion, with the estimator at each sign.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nn.emit import affine
from neurobin.nn.estimators import STRAIGHT_THROUGH, Estimator, substitute
from neurobin.nn.layers.planes_conv import Scaling
from neurobin.nn.steps import sign
from neurobin.ops.abs import Abs
from neurobin.ops.add import Add
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.channel_sum import ChannelSum
from neurobin.ops.multiply import Multiply
from neurobin.ops.sign import Sign


class ResidualPlanes(nn.Module):
    """`order` planes with scales [N, 1, 1, 1]."""

    progress = 1.0

    def __init__(self, channels: int, order: int = 2, estimator: Estimator = STRAIGHT_THROUGH) -> None:
        super().__init__()
        if not 1 <= order <= 4:
            raise UsageError(f"expected an order of 1 to 4, got {order}")
        self.order, self.estimator = order, estimator

    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        found = []
        for _ in range(self.order):
            plane = substitute(x, sign(x), self.estimator, self.progress)
            scale = x.abs().mean((1, 2, 3), keepdim=True)
            found.append((plane, scale))
            x = x - scale * plane
        return found

    def emit(self, b: Builder, x: str) -> list[tuple[str, Scaling]]:
        def scaled(scale: str, sums: str) -> str:
            return b.add(Multiply(), sums, scale)

        found: list[tuple[str, Scaling]] = []
        for number in range(self.order):
            if number:
                product = found[-1][1](found[-1][0])
                x = b.add(Add(), x, b.add(affine(-1), product))
            found.append((b.add(Sign(), x), partial(scaled, _mean_magnitude(b, x))))
        return found

    def extra_repr(self) -> str:
        return f"order={self.order}, estimator={self.estimator}"


def _mean_magnitude(b: Builder, x: str) -> str:
    """mean |x| over a map [H, W, C] as [1, 1, 1]."""
    height, width, channels = b.types[x].shape
    pooled = b.add(AvgPool2d((height, width), (height, width)), b.add(Abs(), x))
    return b.add(affine(1 / channels), b.add(ChannelSum(), pooled))

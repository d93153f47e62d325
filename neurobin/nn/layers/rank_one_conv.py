"""XNOR-Net++'s convolution (Bulat and Tzimiropoulos 2019, arXiv 1909.13863, sec. 3, case 4).

y[o, h, w] = conv(x, sign(W))[o, h, w] * alpha[o] * beta[h] * gamma[w]: the three vectors are learned with the weights and
take the place of XNOR-Net's scale K, which is computed from every input. alpha folds into what follows; beta and gamma need
a factor per position at inference.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nn.channels import per_channel
from neurobin.nn.emit import affine, real
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.quantizer import WeightScheme
from neurobin.nn.weights.sign import SignWeights
from neurobin.ops.position_scale import PositionScale


class RankOneConv2d(nn.Module):
    """[N, C, H, W] -> real [N, O, OH, OW] for maps of one size, which the first input decides (see `nets.sized`).

    alpha starts at mean |W| of each filter, where XNOR-Net's formula has it; beta and gamma start at 1.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        weights: WeightScheme = SignWeights(),
    ) -> None:
        super().__init__()
        self.conv = QuantConv2d(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, weights=weights)
        self.alpha = nn.Parameter(self.conv.weight.detach().abs().flatten(1).mean(1))
        self.beta: Tensor = nn.UninitializedParameter()
        self.gamma: Tensor = nn.UninitializedParameter()

    def forward(self, x: Tensor) -> Tensor:
        sums = self.conv(x)
        self._meet(sums)
        return sums * per_channel(self.alpha, sums) * self._factor()

    def _meet(self, sums: Tensor) -> None:
        """The first map sets the sizes of beta and gamma. Raises UsageError for a map of another size."""
        for parameter, size in zip((self.beta, self.gamma), sums.shape[2:], strict=True):
            if isinstance(parameter, nn.UninitializedParameter):
                parameter.materialize((size,), device=sums.device, dtype=self.alpha.dtype)
                nn.init.ones_(cast(Tensor, parameter))
        height, width = len(self.beta), len(self.gamma)
        if tuple(sums.shape[2:]) != (height, width):
            raise UsageError(
                f"a scale per position for maps of {height}x{width} met one of {sums.shape[2]}x{sums.shape[3]}",
                hint="build the network for images of this size",
            )

    def _factor(self) -> Tensor:
        """[H, W]."""
        return torch.outer(self.beta, self.gamma)

    def emit(self, b: Builder, *inputs: str) -> str:
        if isinstance(self.beta, nn.UninitializedParameter):
            raise UsageError("a scale per position has no size yet", hint="nets.sized, or one forward pass")
        sums = b.add(affine(self.alpha), self.conv.emit(b, *inputs))
        return b.add(PositionScale(real(self._factor())), sums)

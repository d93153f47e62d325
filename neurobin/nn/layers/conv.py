"""Convolution with quantized weights."""

from __future__ import annotations

from functools import reduce
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nn.channels import per_channel
from neurobin.nn.printed import listed
from neurobin.nn.weights.quantizer import WeightCodes, WeightScheme
from neurobin.nn.weights.sign import SignWeights
from neurobin.ops.add import Add
from neurobin.ops.conv2d import Conv2d


class QuantConv2d(nn.Module):
    """[N, C, H, W] -> [N, O, OH, OW] with square kernels and no bias; `pad_value` (0, +1 or -1) fills the border.

    In training the quantizer's values are convolved. In evaluation the codes are, and the sums are scaled afterwards, as the
    emitted graph does: sums of small whole numbers are exact in floating point, so no rounding blurs a sign. Weights of
    several bases are convolved one by one and added.
    """

    plain: ClassVar[bool] = True  # its quantizer says what is particular about it
    progress = 1.0  # the share of training steps done, for quantizers that change on the way

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        pad_value: int = 0,
        dilation: int = 1,
        groups: int = 1,
        weights: WeightScheme = SignWeights(),
    ) -> None:
        super().__init__()
        if groups < 1 or inputs % groups or outputs % groups:
            raise UsageError(f"groups={groups} must divide both {inputs} input and {outputs} output channels")
        if pad_value not in (-1, 0, 1):
            raise UsageError(f"pad_value must be -1, 0 or +1, got {pad_value}")
        self.kernel, self.stride, self.padding, self.pad_value = kernel, stride, padding, pad_value
        self.dilation, self.groups = dilation, groups
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")
        self.quantizer = weights.bind(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self._convolve(x, self.quantizer(self.weight, self.progress))
        first, *others = (self._scaled(x, term) for term in self.quantizer.terms(self.weight))
        return sum(others, start=first)

    def _scaled(self, x: Tensor, term: WeightCodes) -> Tensor:
        sums = self._convolve(x, term.codes)
        return sums * per_channel(term.scale, sums)

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        padding = self.padding
        if self.pad_value:
            x, padding = functional.pad(x, (padding,) * 4, value=self.pad_value), 0
        return functional.conv2d(x, weight, stride=self.stride, padding=padding, dilation=self.dilation, groups=self.groups)

    def emit(self, b: Builder, *inputs: str) -> str:
        bases = [b.add(self._op(term), *inputs) for term in self.quantizer.terms(self.weight)]
        return reduce(lambda left, right: b.add(Add(), left, right), bases)

    def _op(self, term: WeightCodes) -> Conv2d:
        codes, scale = term.constants()
        return Conv2d(
            codes,
            scale,
            stride=(self.stride, self.stride),
            padding=(self.padding,) * 4,
            pad_value=self.pad_value,
            dilation=(self.dilation, self.dilation),
            groups=self.groups,
        )

    def extra_repr(self) -> str:
        shape = f"{tuple(self.weight.shape)}, stride={self.stride}, padding={self.padding}, pad_value={self.pad_value}"
        return listed(shape, f"dilation={self.dilation}, groups={self.groups}", self.quantizer)

"""Matrix product with quantized weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurobin.ir import Builder
from neurobin.nn.weights import SignWeights, WeightQuantizer
from neurobin.ops.dense import Dense


class QuantLinear(nn.Module):
    """[N, F] -> [N, O] without bias; evaluation multiplies by the codes first and scales the sums, as the graph does."""

    def __init__(self, inputs: int, outputs: int, *, weight_quantizer: WeightQuantizer = SignWeights()) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")
        self.weight_quantizer = weight_quantizer

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return functional.linear(x, self.weight_quantizer(self.weight))
        quantized = self.weight_quantizer.codes(self.weight)
        return functional.linear(x, quantized.codes) * quantized.scale

    def emit(self, b: Builder, *inputs: str) -> str:
        codes, scale = self.weight_quantizer.codes(self.weight).constants()
        return b.add(Dense(codes, scale), *inputs)

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, {self.weight_quantizer}"

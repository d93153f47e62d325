"""Matrix product with quantized weights."""

from __future__ import annotations

from functools import reduce
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurobin.ir import Builder
from neurobin.nn.printed import listed
from neurobin.nn.weights.quantizer import WeightScheme
from neurobin.nn.weights.sign import SignWeights
from neurobin.ops.add import Add
from neurobin.ops.dense import Dense


class QuantLinear(nn.Module):
    """[N, F] -> [N, O] without bias; evaluation multiplies by the codes first and scales the sums, as the graph does."""

    plain: ClassVar[bool] = True  # its quantizer says what is particular about it
    progress = 1.0  # the share of training steps done, for quantizers that change on the way

    def __init__(self, inputs: int, outputs: int, *, weights: WeightScheme = SignWeights()) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")
        self.quantizer = weights.bind(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return functional.linear(x, self.quantizer(self.weight, self.progress))
        first, *others = (functional.linear(x, term.codes) * term.scale for term in self.quantizer.terms(self.weight))
        return sum(others, start=first)

    def emit(self, b: Builder, *inputs: str) -> str:
        bases = [b.add(Dense(*term.constants()), *inputs) for term in self.quantizer.terms(self.weight)]
        return reduce(lambda left, right: b.add(Add(), left, right), bases)

    def extra_repr(self) -> str:
        return listed(tuple(self.weight.shape), self.quantizer)

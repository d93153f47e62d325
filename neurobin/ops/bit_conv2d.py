"""Bit convolution: y = sum over plane pairs of 2^m 2^n popdot(W_m, A_n), any narrow activation with any narrow weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.exec.kernels import Linear
from neurobin.ir import Constant, Op, Packed, TensorType, Work
from neurobin.ops._linear import (
    accumulator,
    as_linear,
    check_padding,
    check_weight,
    convolve_bits,
    exact_convolution,
    mac_work,
    require_integers,
    weight_window,
)
from neurobin.ops._window import Window


@dataclass(frozen=True)
class BitConv2d(Op):
    """[H, W, C] integers -> [OH, OW, O] exact sums. `padding` is top, left, bottom, right."""

    linear: ClassVar[bool] = True
    weight: Constant  # [O, KH, KW, C/groups]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pad_value: int = 0
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def window(self) -> Window:
        return weight_window(self.weight, self.stride, self.padding, self.dilation)

    def infer(self, x: TensorType) -> TensorType:
        require_integers(x, self.weight)
        shape = check_weight(x, self.weight, self.window, self.groups)
        check_padding(x.dtype, self.window, self.pad_value)
        return TensorType(shape, accumulator(x.dtype, self.weight.values))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return exact_convolution(x, self.weight.values, self.window, self.groups, self.pad_value)

    def packed(self, x: Packed) -> Packed:
        out = accumulator(x.dtype, self.weight.values)
        return convolve_bits(x.bits(), self.weight, self.window, self.groups, self.pad_value, out)

    def native(self, x: TensorType) -> Linear:
        return as_linear(x, self.infer(x), self.weight, self.window, self.groups, self.pad_value)

    def work(self, x: TensorType) -> Work:
        return mac_work(x, self.infer(x), self.weight)

"""Convolution as trained: quantized or real weights with a scale per filter, any input. Lowered to bits or integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from neurobin.ir import FLOAT32, FLOAT64, Constant, Op, TensorType, Work, per_channel
from neurobin.ops._linear import check_padding, check_weight, convolve, mac_work, weight_window
from neurobin.ops._window import Window


@dataclass(frozen=True)
class Conv2d(Op):
    """[H, W, C] -> real [OH, OW, O]: y_o = scale_o * sum(weight_o * x). Integer weights are quantizer codes."""

    linear: ClassVar[bool] = True
    weight: Constant  # [O, KH, KW, C/groups]
    scale: Constant = Constant(FLOAT64, np.ones(1))  # [O or 1]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pad_value: int = 0
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def window(self) -> Window:
        return weight_window(self.weight, self.stride, self.padding, self.dilation)

    def infer(self, x: TensorType) -> TensorType:
        shape = check_weight(x, self.weight, self.window, self.groups)
        per_channel(self.scale, shape[-1], "scale")
        check_padding(x.dtype, self.window, self.pad_value)
        return TensorType(shape, FLOAT32)

    def reference(self, x: np.ndarray) -> np.ndarray:
        weight = self.weight.values.astype(np.float64)
        sums = convolve(x.astype(np.float64), weight, self.window, self.groups, self.pad_value)
        return np.asarray(sums * self.scale.values)

    def work(self, x: TensorType) -> Work:
        return mac_work(x, self.infer(x), self.weight, scale=self.scale)

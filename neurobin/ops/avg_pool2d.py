"""Mean over windows as trained; padding counts as zeros in the mean (count_include_pad). Lowered to `sum_pool2d`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.ir import FLOAT32, Op, TensorType, Work, tally
from neurobin.ops._window import Window


@dataclass(frozen=True)
class AvgPool2d(Op):
    """[H, W, C] -> real [OH, OW, C]. Global pooling is a kernel of the map's size."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, self.padding, (1, 1))

    def infer(self, x: TensorType) -> TensorType:
        return TensorType((*self.window.output(x.shape), x.channels), FLOAT32)

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.window.patches(x.astype(np.float64), 0.0).sum(axis=(3, 4)) / self.window.taps)

    def work(self, x: TensorType) -> Work:
        result = self.infer(x)
        return tally("add", result.size * (self.window.taps - 1), (x,), result)

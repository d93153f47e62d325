"""Maximum over windows. Padding never wins. On single bit planes it is a logical OR of words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Pool
from neurobin.ir import BitTensor, Op, Packed, TensorType, Work, tally, to_packed
from neurobin.ops._window import Window


@dataclass(frozen=True)
class MaxPool2d(Op):
    """[H, W, C] -> [OH, OW, C], the element type stays."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    @property
    def window(self) -> Window:
        return Window(self.kernel, self.stride, self.padding, self.dilation)

    def infer(self, x: TensorType) -> TensorType:
        shape = (*self.window.output(x.shape), x.channels)
        if self.window.misses(x.shape):
            raise GraphError(f"padding {self.padding} would make a window of padding only (kernel {self.kernel})")
        return TensorType(shape, x.dtype)

    def reference(self, x: np.ndarray) -> np.ndarray:
        lowest = -np.inf if np.issubdtype(x.dtype, np.floating) else np.iinfo(x.dtype).min
        return self.window.patches(x, lowest).max(axis=(3, 4))

    def packed(self, x: Packed) -> Packed:
        if isinstance(x, BitTensor) and x.dtype.bits == 1 and x.dtype.plane_weights[0] > 0:
            # bit 0 is the smaller value, so zero fill never wins
            words = np.bitwise_or.reduce(self.window.patches(x.planes[0], 0), axis=(3, 4))
            return BitTensor(words[None], None, (*words.shape[:-1], x.shape[-1]), x.dtype)
        values = x.values()
        return to_packed(self.window.patches(values, np.iinfo(values.dtype).min).max(axis=(3, 4)), x.dtype)

    def native(self, x: TensorType) -> Pool:
        return Pool("max", self.kernel, self.stride, self.padding, self.dilation)

    def work(self, x: TensorType) -> Work:
        result = self.infer(x)
        return tally("compare", result.size * (self.window.taps - 1), (x,), result)

"""The shortcut without weights where a map shrinks and widens (He et al. 2016, arXiv 1512.03385, option A).

Every second pixel of every second row, and channels of zeros on both sides of the old ones.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nn.emit import affine
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.concat import Concat
from neurobin.ops.slice import Slice


class Subsample(nn.Module):
    """[N, C, H, W] -> [N, O, H/stride, W/stride]. Raises UsageError when O - C is odd or more than 2 C."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        if (outputs - inputs) % 2 or not 0 <= outputs - inputs <= 2 * inputs:
            raise UsageError(f"zeros on both sides take {inputs} channels to an even number more, got {outputs}")
        self.zeros, self.stride = (outputs - inputs) // 2, stride

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.zeros, self.zeros))

    def emit(self, b: Builder, *inputs: str) -> str:
        kept = b.add(AvgPool2d((1, 1), (self.stride, self.stride)), *inputs)
        if not self.zeros:
            return kept
        none = b.add(affine(0), b.add(Slice(0, self.zeros), kept))
        return b.add(Concat(), none, kept, none)

    def extra_repr(self) -> str:
        return f"zeros={self.zeros}, stride={self.stride}"

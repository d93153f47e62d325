"""The door of a network: raw integer pixels to real values around 0, exactly."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nn.emit import affine


class InputNorm(nn.Module):
    """y = (x - centre) / centre, centre a power of two: whole numbers of one common scale, so it deploys without error."""

    plain: ClassVar[bool] = True  # every network begins with it

    def __init__(self, centre: int) -> None:
        super().__init__()
        if centre < 1 or centre & (centre - 1):
            raise UsageError(f"the centre of the input range must be a power of two, got {centre}")
        self.centre = centre

    @classmethod
    def for_levels(cls, levels: int) -> InputNorm:
        """Half the range of pixels 0 ... levels - 1, rounded up to a power of two: 8 for 0 ... 16, 128 for 0 ... 255."""
        if levels < 2:
            raise UsageError(f"pixels need at least 2 levels, got {levels}")
        return cls(1 << max((levels - 2).bit_length() - 1, 0))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.centre) / self.centre

    def emit(self, b: Builder, *inputs: str) -> str:
        return b.add(affine(1 / self.centre, -1), *inputs)

    def extra_repr(self) -> str:
        return f"centre={self.centre}"

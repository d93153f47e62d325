"""What a weight quantizer is: a value with a gradient while training, integer codes with scales afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from neurobin.ir import FLOAT64, Constant, DType


@dataclass(frozen=True)
class WeightCodes:
    """Quantized weights: `codes` (whole numbers of `dtype`, shape of the weight) times `scale` [O or 1]."""

    codes: Tensor
    scale: Tensor
    dtype: DType

    @property
    def values(self) -> Tensor:
        """The weights the network computes with: codes * scale, filter by filter."""
        return self.codes * self.scale.view(-1, *[1] * (self.codes.dim() - 1))

    def constants(self) -> tuple[Constant, Constant]:
        """(codes as [O, C] or [O, KH, KW, C], scale as float64 [O or 1]) for the IR. Raises GraphError on NaN."""
        codes = self.codes.detach().cpu().double().numpy()
        if codes.ndim == 4:
            codes = np.ascontiguousarray(codes.transpose(0, 2, 3, 1))
        return Constant(self.dtype, codes), Constant(FLOAT64, self.scale.detach().cpu().double().numpy())


class WeightQuantizer(Protocol):
    """A frozen dataclass, or a torch module when the quantizer itself learns."""

    def __call__(self, weight: Tensor) -> Tensor:
        """The quantized weights for training, with the estimator's gradient; weight [O, ...]."""

    def codes(self, weight: Tensor) -> WeightCodes:
        """The same weights for inference: codes and scale."""

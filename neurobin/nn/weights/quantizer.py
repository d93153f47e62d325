"""What a weight quantizer is: a value with a gradient while training, integer codes with scales afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor, nn

from neurobin.ir import Constant, DType
from neurobin.nn.channels import per_filter
from neurobin.nn.emit import real


@dataclass(frozen=True)
class WeightCodes:
    """One term of a quantized weight: `codes` (whole numbers of `dtype`, shape of the weight) times `scale` [O or 1]."""

    codes: Tensor
    scale: Tensor
    dtype: DType

    @property
    def values(self) -> Tensor:
        """The weights the network computes with: codes * scale, filter by filter."""
        return self.codes * per_filter(self.scale, self.codes)

    def constants(self) -> tuple[Constant, Constant]:
        """(codes as [O, C] or [O, KH, KW, C], scale as float64 [O or 1]) for the IR. Raises GraphError on NaN."""
        codes = self.codes.detach().cpu().double().numpy()
        if codes.ndim == 4:
            codes = np.ascontiguousarray(codes.transpose(0, 2, 3, 1))
        return Constant(self.dtype, codes), real(self.scale)


class WeightQuantizer(Protocol):
    """How one layer computes with its latent weight [O, ...].

    Either a frozen dataclass that depends on nothing but its arguments, or a torch module that holds what belongs to one
    weight: learned scales, frozen groups, codes with hysteresis. `progress` is the share of training steps done.
    """

    def __call__(self, weight: Tensor, progress: float = 1.0) -> Tensor:
        """The quantized weights for training, with the estimator's gradient."""

    def terms(self, weight: Tensor) -> tuple[WeightCodes, ...]:
        """The same weights for inference: their sum is what the layer multiplies by; more than one for several bases."""


class WeightScheme(Protocol):
    """What a method file names: makes the quantizer of one layer from its freshly initialised weight."""

    def bind(self, weight: nn.Parameter) -> WeightQuantizer: ...


class Stateless:
    """Base of the quantizers that hold nothing: one instance serves every layer."""

    def bind(self, weight: nn.Parameter) -> WeightQuantizer:
        return self  # type: ignore[return-value]


def total(terms: tuple[WeightCodes, ...]) -> Tensor:
    """The real weights that the terms stand for."""
    first, *others = (term.values for term in terms)
    return sum(others, start=first)

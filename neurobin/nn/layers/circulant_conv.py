"""Convolution with circulant filters (Liu et al. 2019, CBCN, arXiv 1910.10853): a quarter of the filters is learned."""

from __future__ import annotations

from torch import nn

from neurobin.errors import UsageError
from neurobin.nn.estimators import CLIPPED, Estimator
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.circulant import ORIENTATIONS, CirculantWeights


class CirculantConv2d(QuantConv2d):
    """`QuantConv2d` whose parameter is [O/4, C, 3, 3]; outputs 4 f ... 4 f + 3 see the four orientations of filter f.

    Raises UsageError unless the kernel is 3 and every group has a multiple of four outputs.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        estimator: Estimator = CLIPPED,
    ) -> None:
        if kernel != 3:
            raise UsageError(f"circulant filters have 3x3 taps, got kernel {kernel}")
        if outputs % (ORIENTATIONS * groups):
            raise UsageError(f"the outputs of a group come in fours, got {outputs} outputs in {groups} groups")
        weights = CirculantWeights(estimator)
        super().__init__(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, weights=weights)
        self.weight = nn.Parameter(self.weight.detach()[: outputs // ORIENTATIONS].clone())

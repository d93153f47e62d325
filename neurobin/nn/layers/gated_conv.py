"""Real-to-Binary's convolution (Martinez et al. 2020, arXiv 2003.11535, sec. 4.2): scaled by a gate computed from its input.

y = conv(sign(x), W) * g(x), g(x) = sigmoid(W2 relu(W1 mean(x))): the mean over the map of every channel of the real input,
through two small real layers without bias, gives a factor in (0, 1) per filter. It depends on the input, so no threshold can
absorb it. Unless told otherwise, W1 and W2 are trained with the 8-bit weights that they are deployed with.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.emit import Emits
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.fixed_point import FixedPointWeights
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.quantizer import WeightScheme
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.multiply import Multiply
from neurobin.ops.relu import Relu
from neurobin.ops.sigmoid import Sigmoid

GATE_WEIGHTS = FixedPointWeights(8)


class GatedConv2d(nn.Module):
    """Real [N, C, H, W] -> real [N, O, OH, OW]; `activation` makes the binarization of the input from its channels.

    The gate's two layers have weights of the scheme `gate`, and C / `reduction` values between them, at least 1.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        weights: WeightScheme = MagnitudeAwareSign(),
        activation: Callable[[int], Emits] = SignActivation,
        gate: WeightScheme = GATE_WEIGHTS,
        reduction: int = 8,
    ) -> None:
        super().__init__()
        if reduction < 1:
            raise UsageError(f"a gate reduces channels by a factor of at least 1, got {reduction}")
        inner = max(inputs // reduction, 1)
        self.squeeze = QuantConv2d(inputs, inner, 1, weights=gate)
        self.excite = QuantConv2d(inner, outputs, 1, weights=gate)
        self.act = activation(inputs)
        self.conv = QuantConv2d(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, weights=weights)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.excite(functional.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        sums: Tensor = self.conv(self.act(x)) * gate
        return sums

    def emit(self, b: Builder, *inputs: str) -> str:
        height, width, _ = b.types[inputs[0]].shape
        mean = b.add(AvgPool2d((height, width), (height, width)), *inputs)
        inner = b.add(Relu(), self.squeeze.emit(b, mean))
        gate = b.add(Sigmoid(), self.excite.emit(b, inner))
        return b.add(Multiply(), self.conv.emit(b, self.act.emit(b, *inputs)), gate)

"""XNOR-Net's convolution (Rastegari et al. 2016, arXiv 1603.05279, eq. 11): y = (sign(I) * sign(W)) K alpha for I * W.

K = box filter over A, A = mean of |I| over the channels: the input's own scale at every position, which no threshold can
absorb. The box filter has the convolution's kernel, stride and zero padding, each tap 1 / (kh kw).
In a grouped convolution all groups share one K, taken over all channels.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from neurobin.ir import Builder
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.emit import affine
from neurobin.nn.estimators import CLIPPED, Estimator
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.ops.abs import Abs
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.channel_sum import ChannelSum
from neurobin.ops.multiply import Multiply


class XnorConv2d(nn.Module):
    """Real [N, C, H, W] -> real [N, O, OH, OW]: signs times signs, scaled by alpha per filter and K per position."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        estimator: Estimator = CLIPPED,
    ) -> None:
        super().__init__()
        self.sign = SignActivation(inputs, estimator)
        self.conv = QuantConv2d(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=padding,
            groups=groups,
            weights=MagnitudeAwareSign(estimator),
        )

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv
        magnitude = x.abs().mean(1, keepdim=True)
        scale = functional.avg_pool2d(magnitude, conv.kernel, conv.stride, conv.padding, count_include_pad=True)
        return conv(self.sign(x)) * scale

    def emit(self, b: Builder, *inputs: str) -> str:
        conv = self.conv
        sums = conv.emit(b, self.sign.emit(b, *inputs))
        channels = conv.weight.shape[1] * conv.groups
        total = b.add(ChannelSum(), b.add(Abs(), *inputs))
        mean = b.add(affine(1 / channels), total)
        box = AvgPool2d((conv.kernel,) * 2, (conv.stride,) * 2, (conv.padding,) * 4)
        return b.add(Multiply(), sums, b.add(box, mean))

"""AlexNet with binary weights: as larq's zoo has it, with larq's kernels, pools and order of layers.

Krizhevsky et al. 2012; Hubara et al. 2016, arXiv 1602.02830; Rastegari et al. 2016, arXiv 1603.05279; Zhou et al. 2016,
arXiv 1606.06160. Where larq pads "same" with an even total on one side only, both sides are padded here: the sizes agree.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from neurobin.nets.ends import biased_conv, quant_conv, real_conv
from neurobin.nets.norms import centred_norm1d, centred_norm2d
from neurobin.nets.plain import Plain, Step, bend, conv, dense, flatten, norm, pool, relu
from neurobin.nets.published._architecture import Architecture, only
from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.activations.unit_clip import UnitClip
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.layers.xnor_conv import XnorConv2d
from neurobin.nn.weights.layer_sign import LayerSign
from neurobin.nn.weights.sign import SignWeights

SIGN = quant_conv(SignWeights())
SIGN_DENSE = partial(QuantLinear, weights=SignWeights())
DOREFA = quant_conv(LayerSign())
DOREFA_DENSE = partial(QuantLinear, weights=LayerSign())
TWO_BITS = partial(DorefaActivation, bits=2)
N2, N1 = norm(centred_norm2d), norm(centred_norm1d)


def _no_bias(inputs: int, outputs: int) -> nn.Module:
    return nn.Linear(inputs, outputs, bias=False)


def _bin(outputs: int, kernel: int) -> Step:
    return conv(SIGN, outputs, kernel, act=SignActivation)


def _fc(outputs: int) -> Step:
    return dense(SIGN_DENSE, outputs, act=SignActivation)


BINARY = Plain(
    (
        conv(SIGN, 64, 11, stride=4, padding=4),
        pool(3, 2),
        N2,
        _bin(192, 5),
        pool(3, 2),
        N2,
        _bin(384, 3),
        N2,
        _bin(384, 3),
        N2,
        _bin(256, 3),
        pool(3, 2),
        N2,
        flatten(36),
        *(step for outputs in (4096, 4096, 1000) for step in (_fc(outputs), N1)),
    )
)


def _xnor(outputs: int, kernel: int, padding: int | None = None) -> Step:
    return conv(XnorConv2d, outputs, kernel, padding=padding)


XNOR = Plain(
    (
        conv(real_conv, 96, 11, stride=4, padding=4),
        N2,
        relu,
        pool(3, 2),
        N2,
        _xnor(256, 5),
        pool(3, 2),
        N2,
        _xnor(384, 3),
        N2,
        _xnor(384, 3),
        N2,
        _xnor(256, 3),
        pool(3, 2),
        N2,
        _xnor(4096, 6, 0),
        N2,
        _xnor(4096, 1),
        N2,
        relu,
        flatten(1),
        dense(_no_bias, 1000),
    )
)


def _q(outputs: int, kernel: int) -> Step:
    return conv(DOREFA, outputs, kernel, act=TWO_BITS)


DOREFA_NET = Plain(
    (
        conv(biased_conv, 96, 12, stride=4, padding=0),
        _q(256, 5),
        N2,
        pool(3, 2, 1),
        _q(384, 3),
        N2,
        pool(3, 2, 1),
        _q(384, 3),
        N2,
        _q(256, 3),
        N2,
        pool(3, 2),
        flatten(36),
        dense(DOREFA_DENSE, 4096, act=TWO_BITS),
        N1,
        dense(DOREFA_DENSE, 4096, act=TWO_BITS),
        N1,
        bend(UnitClip),
        dense(nn.Linear, 1000),
    )
)

NETS = (
    Architecture("binary_alexnet", "Binary AlexNet", "larq zoo, literature/binary_alex_net.py", only(BINARY)),
    Architecture("xnornet_alexnet", "XNOR-Net AlexNet", "larq zoo, literature/xnornet.py", only(XNOR)),
    Architecture("dorefanet_alexnet", "DoReFa-Net AlexNet, 1-bit weights and 2-bit activations",
                 "larq zoo, literature/dorefanet.py", only(DOREFA_NET)),
)  # fmt: skip

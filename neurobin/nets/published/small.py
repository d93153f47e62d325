"""The networks that papers on small images used: MNIST perceptrons, LeNet-5, and convolutional nets for CIFAR-10.

tfc, sfc, lfc, cnv        FINN (Umuroglu et al. 2017, arXiv 1612.07119); Xilinx/BNN-PYNQ
bnn_mlp, bnn_vgg          BNN (Hubara et al. 2016, arXiv 1602.02830); MatthieuCourbariaux/BinaryNet
binaryconnect_mlp         BinaryConnect (Courbariaux et al. 2015, arXiv 1511.00363)
lab_mlp                   LAB (Hou et al. 2017, arXiv 1611.01600)
vgg_small                 the VGG of LQ-Nets and its followers, first and last layer real
nin, lenet5               jiecaoyu/XNOR-Net-PyTorch
"""

from __future__ import annotations

from functools import partial

from torch import nn

from neurobin.nets.ends import Conv, biased_conv, quant_conv, quant_linear, real_conv, real_linear
from neurobin.nets.mlp import Mlp
from neurobin.nets.plain import Plain, Step, average, conv, dense, flatten, norm, pool, relu
from neurobin.nets.published._architecture import CIFAR10, MNIST, Architecture, only
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.sign import SignWeights

SIGN, SCALED = quant_conv(SignWeights()), quant_conv(MagnitudeAwareSign())
DENSE = quant_linear(SignWeights())  # batch norm behind
SCALED_LINEAR = partial(QuantLinear, weights=MagnitudeAwareSign())
N2 = norm()


def _signs(*widths: int, first: bool = False) -> Mlp:
    return Mlp(widths, SignWeights(), SignActivation, first=SignActivation if first else None)


def _stage(make: Conv, outputs: int, kernel: int, padding: int | None = None) -> tuple[Step, Step]:
    """Sign, binary convolution, batch norm."""
    return conv(make, outputs, kernel, padding=padding, act=SignActivation), N2


CNV = Plain(
    (
        conv(SIGN, 64, 3, padding=0),
        N2,
        *_stage(SIGN, 64, 3, 0),
        pool(2),
        *_stage(SIGN, 128, 3, 0),
        *_stage(SIGN, 128, 3, 0),
        pool(2),
        *_stage(SIGN, 256, 3, 0),
        *_stage(SIGN, 256, 3, 0),
        flatten(1),
        *(dense(DENSE, outputs, act=SignActivation) for outputs in (512, 512, 10)),
    )
)


def _vgg_convs(first: Conv) -> tuple[Step, ...]:
    """Twice 128, 256 and 512 channels, each pair pooled."""
    return (
        conv(first, 128, 3),
        N2,
        *_stage(SIGN, 128, 3),
        pool(2),
        *_stage(SIGN, 256, 3),
        *_stage(SIGN, 256, 3),
        pool(2),
        *_stage(SIGN, 512, 3),
        *_stage(SIGN, 512, 3),
        pool(2),
        flatten(16),
    )


BNN_VGG = Plain((*_vgg_convs(SIGN), *(dense(DENSE, outputs, act=SignActivation) for outputs in (1024, 1024, 10))))
VGG_SMALL = Plain((*_vgg_convs(real_conv), dense(real_linear, 10)))


def _bin(outputs: int, kernel: int) -> tuple[Step, ...]:
    """XNOR-Net's order in that repository: batch norm, sign, scaled binary convolution, ReLU."""
    return N2, conv(SCALED, outputs, kernel, act=SignActivation), relu


NIN = Plain(
    (
        conv(biased_conv, 192, 5),
        N2,
        relu,
        *_bin(160, 1),
        *_bin(96, 1),
        pool(3, 2, 1),
        *_bin(192, 5),
        *_bin(192, 1),
        *_bin(192, 1),
        average(3, 2, 1),
        *_bin(192, 3),
        *_bin(192, 1),
        N2,
        conv(biased_conv, 10, 1),
        relu,
        average(8),
        flatten(1),
    )
)

LENET5 = Plain(
    (
        conv(biased_conv, 20, 5, padding=0),
        N2,
        relu,
        pool(2),
        N2,
        conv(SCALED, 50, 5, padding=0, act=SignActivation),
        relu,
        pool(2),
        N2,
        flatten(16),
        dense(SCALED_LINEAR, 500, act=SignActivation),
        relu,
        dense(real_linear, 10),
    )
)

NETS = (
    Architecture("tfc", "TFC 3x64", "arXiv 1612.07119", only(_signs(64, 64, 64, first=True)), MNIST),
    Architecture("sfc", "SFC 3x256", "arXiv 1612.07119", only(_signs(256, 256, 256, first=True)), MNIST),
    Architecture("lfc", "LFC 3x1024", "arXiv 1612.07119", only(_signs(1024, 1024, 1024, first=True)), MNIST),
    Architecture("cnv", "CNV", "arXiv 1612.07119", only(CNV), CIFAR10),
    Architecture("bnn_mlp", "BNN 3x4096", "arXiv 1602.02830", only(_signs(4096, 4096, 4096)), MNIST),
    Architecture("binaryconnect_mlp", "BinaryConnect 3x1024", "arXiv 1511.00363",
                 only(Mlp((1024,) * 3, SignWeights(), lambda features: nn.ReLU())), MNIST),
    Architecture("lab_mlp", "LAB 3x2048", "arXiv 1611.01600",
                 only(Mlp((2048,) * 3, SignWeights(), lambda features: nn.ReLU())), MNIST,
                 notes=("Weights have a scale per layer, which batch norm absorbs.",)),
    Architecture("bnn_vgg", "BNN VGG", "arXiv 1602.02830", only(BNN_VGG), CIFAR10),
    Architecture("vgg_small", "VGG-small", "LaVieEnRoseSMZ/AutoBNN", only(VGG_SMALL), CIFAR10),
    Architecture("nin", "NIN with XNOR-Net weights", "jiecaoyu/XNOR-Net-PyTorch", only(NIN), CIFAR10),
    Architecture("lenet5", "LeNet-5 with XNOR-Net weights", "jiecaoyu/XNOR-Net-PyTorch", only(LENET5), MNIST),
)  # fmt: skip

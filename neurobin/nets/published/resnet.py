"""ResNet-18 and -34 (He et al. 2016, arXiv 1512.03385) with binary weights and activations, as different papers rebuilt it.

    resnet18, bnn_resnet18, xnornet_resnet18        two convolutions under one shortcut; all but the first one binary
    birealnet, resnete, real_to_binary, reactnet    one shortcut per convolution, real 1x1 convolutions where maps shrink

Layers follow the papers and the code named with each entry; the binary 1x1 shortcuts of the first group are our reading, as
the published counts of these two nets are not broken down.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from neurobin.nets import stems
from neurobin.nets.basic import BasicBlocks
from neurobin.nets.ends import Activation, norm2d, nothing, quant_conv, real_conv, relu
from neurobin.nets.published._architecture import CIFAR10, Architecture, Network, only
from neurobin.nets.resnet import ResNet, Stage, Stem
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nets.subsample import Subsample
from neurobin.nn.activations.hardtanh import Hardtanh
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import POLYNOMIAL, clipped
from neurobin.nn.layers.gated_conv import GatedConv2d
from neurobin.nn.layers.xnor_conv import XnorConv2d
from neurobin.nn.weights.balanced import BalancedSign
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.real import RealWeights
from neurobin.nn.weights.sign import SignWeights

SIGN = quant_conv(SignWeights())
BIREAL = quant_conv(MagnitudeAwareSign(scale_gradient=False))
POLY_SIGN: Activation = partial(SignActivation, estimator=POLYNOMIAL)
RESNETE_SIGN: Activation = partial(SignActivation, estimator=clipped(1.25))
BARE: Stem = partial(stems.seven, activation=None)


def stages(*blocks: int) -> tuple[Stage, ...]:
    """64, 128, 256 and 512 channels, the map halved before all but the first."""
    return tuple(Stage(64 * 2**n, count, 2 if n else 1) for n, count in enumerate(blocks))


def _bireal(*blocks: int) -> Network:
    return ResNet(ShortcutBlocks(BIREAL, POLY_SIGN), stages(*blocks), BARE)


def _resnete(stem: Stem, *blocks: int) -> Network:
    convs = quant_conv(SignWeights(clipped(1.25)))
    return ResNet(ShortcutBlocks(convs, RESNETE_SIGN), stages(*blocks), stem, last=relu)


def _resnetes(*blocks: int) -> dict[str, Network]:
    return {
        "7x7": _resnete(stems.with_norm(stems.seven), *blocks),
        "grouped": _resnete(stems.with_norm(stems.grouped), *blocks),
    }


EIGHTEEN, ONE_CONV_18, ONE_CONV_34 = (2, 2, 2, 2), (4, 4, 4, 4), (6, 8, 12, 6)
REAL = BasicBlocks(real_conv, between=relu, last=relu)
BNN = BasicBlocks(SIGN, first=SignActivation, between=SignActivation)
XNOR = BasicBlocks(XnorConv2d, first=nothing, between=nothing, norm_first=True)
REACT = ShortcutBlocks(BIREAL, RSign, last=RPReLU)


REAL_GATE = partial(GatedConv2d, weights=SignWeights(), gate=RealWeights())  # as the paper has it
GATED = ShortcutBlocks(REAL_GATE, nothing, before=norm2d, norm=None, after=nn.PReLU)
IRNET = ShortcutBlocks(quant_conv(BalancedSign()), SignActivation, last=Hardtanh, shortcut=Subsample)
CIFAR_STAGES = (Stage(16, 6, 1), Stage(32, 6, 2), Stage(64, 6, 2))

NETS = (
    Architecture("resnet18", "ResNet-18, real", "arXiv 1512.03385; torchvision",
                 only(ResNet(REAL, stages(*EIGHTEEN), stems.seven))),
    Architecture("bnn_resnet18", "BNN ResNet-18", "arXiv 1602.02830 on arXiv 1512.03385",
                 only(ResNet(BNN, stages(*EIGHTEEN), stems.seven))),
    Architecture("xnornet_resnet18", "XNOR-Net ResNet-18", "arXiv 1603.05279",
                 only(ResNet(XNOR, stages(*EIGHTEEN), stems.seven, last=relu)),
                 notes=("The input-dependent scales K are pools and sums; no convention counts them.",)),
    Architecture("birealnet18", "Bi-Real Net 18", "arXiv 1808.00278; larq zoo, literature/birealnet.py",
                 only(_bireal(*ONE_CONV_18))),
    Architecture("birealnet34", "Bi-Real Net 34", "arXiv 1808.00278; liuzechun/Bi-Real-net", only(_bireal(*ONE_CONV_34))),
    Architecture("resnete18", "ResNetE 18", "arXiv 1906.08637; larq zoo, literature/resnet_e.py", _resnetes(*ONE_CONV_18)),
    Architecture("resnete34", "ResNetE 34", "arXiv 1906.08637; hpi-xnor", _resnetes(*ONE_CONV_34)),
    Architecture("real_to_binary", "Real-to-Binary ResNet-18", "arXiv 2003.11535; larq zoo, literature/real_to_bin_nets.py",
                 only(ResNet(GATED, stages(*ONE_CONV_18), partial(stems.seven, activation=nn.PReLU))),
                 notes=("The two small layers of a gate count as real ones.",)),
    Architecture("reactnet_resnet18", "ReActNet on Bi-Real Net 18", "arXiv 2003.03488; liuzechun/ReActNet",
                 only(ResNet(REACT, stages(*ONE_CONV_18), BARE))),
    Architecture("irnet_resnet20", "IR-Net ResNet-20", "arXiv 1909.10788; htqin/IR-Net",
                 only(ResNet(IRNET, CIFAR_STAGES, stems.small)), task=CIFAR10),
)  # fmt: skip

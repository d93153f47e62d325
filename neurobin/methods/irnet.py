"""IR-Net: balanced signs with power-of-two scales, and an estimator that anneals from the identity to the sign."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import normed_linear, quant_conv
from neurobin.nets.resnet import ResNet, small_stem
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.hardtanh import Hardtanh
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.annealed import EDE
from neurobin.nn.weights.balanced import BalancedSign

CONV = quant_conv(BalancedSign(EDE))
SIGN = partial(SignActivation, estimator=EDE)

METHOD = Method(
    name="irnet",
    title="IR-Net",
    paper="Forward and Backward Information Retention for Accurate Binary Neural Networks",
    authors="Qin, Gong, Liu, Shen, Wei, Yu, Song",
    venue="CVPR",
    year=2020,
    arxiv="1909.10788",
    weights="sign of the standardised filter times a power of two; gradient by EDE",
    activations="sign; gradient by EDE, k tanh(t x) with t growing from 0.001 to 10",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "bireal: sign, conv, batch norm, add shortcut, hardtanh",
        "downsample: average pool, real 1x1 conv, batch norm",
    ),
    build=ResNet(ShortcutBlocks(CONV, SIGN, last=Hardtanh), stem=partial(small_stem, then=Hardtanh), dense=normed_linear),
    recipe=Recipe(epochs=100, epochs_large=8),
    precision=Precision(),
    literature_accuracy=(
        Published("CIFAR-10, ResNet-20", 86.5, "htqin/IR-Net, README"),
        Published("CIFAR-10, VGG-small", 90.4, "htqin/IR-Net, README"),
        Published("ImageNet, ResNet-18", 58.1, "htqin/IR-Net, README"),
        Published("ImageNet, ResNet-34", 62.9, "htqin/IR-Net, README"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Shortcuts that change the width are real convolutions; the paper's CIFAR networks pad with zeros instead.",
        "The paper prints 0.1 for the first t, its code has 0.001; the latter is used.",
        "Hardtanh of the map in memory deploys as two saturating rescalings, each rounded to the map's 16 bits.",
    ),
)

"""Least-squares quantization: one-bit weights, and activations of two binary planes at the least squared error."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import norm2d, quant_conv, relu
from neurobin.nets.resnet import ResNet, small_stem
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.least_squares import LeastSquaresActivation
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.clip_latent import ClipLatent

CONV = quant_conv(MagnitudeAwareSign(scale_gradient=False))
BLOCKS = ShortcutBlocks(CONV, LeastSquaresActivation, before=norm2d, between=relu, norm=None)

METHOD = Method(
    name="least_squares",
    title="Least squares",
    paper="Least squares binary quantization of neural networks",
    authors="Pouransari, Tu, Tuzel",
    venue="CVPR Workshops",
    year=2020,
    arxiv="2001.02786",
    weights="sign times mean |w| of the filter, the scale constant in the backward pass",
    activations="the best two binary planes, from a running mean of each image's two scales; gradient clipped at 1",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("batch norm, two planes, conv, ReLU, add shortcut", "downsample: average pool, real 1x1 conv, batch norm"),
    build=ResNet(BLOCKS, stem=partial(small_stem, then=relu)),
    recipe=Recipe(epochs_large=6, techniques=(ClipLatent(1.0),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-18, 1-bit weights, 2-bit activations", 63.4, "apple/ml-quant, README"),
        Published("ImageNet, ResNet-18, 1-bit weights, ternary activations", 62.0, "apple/ml-quant, README"),
        Published("CIFAR-100, ResNet-18, 1-bit weights, 2-bit activations", 74.4, "apple/ml-quant, README"),
    ),
    notes=(
        "At inference the scales are running means; the released networks compute them for each image.",
        "The second scale is a whole number of 64ths of the first, in training as well.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Without the paper's teacher, and without biases of convolutions. Shortcuts are average-pooled rather than strided.",
    ),
)

"""DoReFa-Net with 2-bit weights and 2-bit activations between real first and last layers; gradients stay real."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, real_conv
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.weights.dorefa import DorefaWeights
from neurobin.recipes.techniques.positive_gamma import PositiveGamma

BITS = 2

METHOD = Method(
    name="dorefa",
    title="DoReFa-Net (2-bit)",
    paper="DoReFa-Net: Training Low Bitwidth Convolutional Neural Networks with Low Bitwidth Gradients",
    authors="Zhou, Wu, Ni, Zhou, Wen, Zou",
    venue="arXiv preprint",
    year=2016,
    arxiv="1606.06160",
    weights="2 bits, uniform over tanh, straight-through gradient",
    activations="2 bits, uniform over [0, 1], straight-through gradient inside the clip",
    first="real",
    last="real",
    blocks=("plain: conv, max pool, batch norm, clip, quantize",),
    build=Vgg(hidden=quant_conv(DorefaWeights(BITS)), activation=partial(DorefaActivation, bits=BITS), first=real_conv),
    recipe=Recipe(techniques=(PositiveGamma(),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, AlexNet, 1-bit W and 2-bit A", 53.4, "tensorpack examples, DoReFa-Net README"),
    ),
    notes=(
        "Gradients are not quantized: that concerns training only and leaves no trace in the deployed network.",
        "The last layer reads 2-bit codes; the authors' code gives it unquantized values in [0, 1].",
        "gamma stays positive, so that max pooling of sums deploys as max pooling of codes.",
    ),
)

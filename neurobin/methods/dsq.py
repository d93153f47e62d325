"""Differentiable soft quantization: uniform 2-bit levels, trained through a smooth staircase that learns its steepness."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.dsq import DsqActivation
from neurobin.nn.weights.uniform import UniformWeights
from neurobin.recipes.techniques.positive_gamma import PositiveGamma

BITS = 2

METHOD = Method(
    name="dsq",
    title="DSQ (2-bit)",
    paper="Differentiable Soft Quantization: Bridging Full-Precision and Low-Bit Neural Networks",
    authors="Gong, Liu, Jiang, Li, Hu, Lin, Yu, Yan",
    venue="ICCV",
    year=2019,
    arxiv="1908.05033",
    weights="2 bits, uniform over a learned range, gradient of a tanh in every cell",
    activations="2 bits, uniform from 0 to a learned end, gradient of a tanh in every cell",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, max pool, batch norm, clip, quantize",),
    build=Vgg(
        hidden=quant_conv(UniformWeights(BITS, soft=True, symmetric=True)), activation=partial(DsqActivation, bits=BITS)
    ),
    recipe=Recipe(epochs_large=8, techniques=(PositiveGamma(),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-18, 2-bit W and A", 65.2, "arXiv 1908.05033 (unverified)"),
        Published("ImageNet, ResNet-18, 1-bit W, real A", 63.7, "arXiv 1908.05033 (unverified)"),
    ),
    notes=(
        "Activations start at 0, where the paper learns the lower end too: the zeros that pad a map must be a level.",
        "Weights lie between -u and u with one learned u; the paper learns both ends.",
        "Only the loss pulls at the softness, which grows to its bound of 0.5: the staircase is nearly straight there.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "gamma stays positive, so that max pooling of sums deploys as max pooling of codes.",
    ),
)

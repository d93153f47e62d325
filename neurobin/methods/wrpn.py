"""WRPN: a wider network of 2-bit weights and 2-bit activations, to win back what precision loses."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.weights.wrpn import WrpnWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.positive_gamma import PositiveGamma

BITS = 2
WIDTH = 2

METHOD = Method(
    name="wrpn",
    title="WRPN (2-bit, twice as wide)",
    paper="WRPN: Wide Reduced-Precision Networks",
    authors="Mishra, Nurvitadhi, Cook, Marr",
    venue="ICLR",
    year=2018,
    arxiv="1709.01134",
    weights="2 bits with sign: -1, 0, +1 by rounding w clipped to [-1, 1]; straight-through gradient",
    activations="2 bits, uniform over [0, 1], straight-through gradient inside the clip",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, max pool, batch norm, clip, quantize; twice as many filters in every layer",),
    build=Vgg(hidden=quant_conv(WrpnWeights(BITS)), activation=partial(DorefaActivation, bits=BITS), width=WIDTH),
    recipe=Recipe(epochs_large=8, lr=1e-2, techniques=(ClipLatent(1.0), PositiveGamma())),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-34, 1-bit W and A, twice as wide", 69.9, "arXiv 1709.01134 (unverified)"),
        Published("ImageNet, ResNet-34, 1-bit W and A, 3 times as wide", 72.4, "arXiv 1709.01134 (unverified)"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "The zoo's network without shortcuts at twice its width stands for the paper's AlexNet and ResNet-34.",
        "Weights start uniform in [-1, 1]: rounded on a fixed grid, the usual start would be all zeros.",
        "gamma stays positive, so that max pooling of sums deploys as max pooling of codes.",
    ),
)

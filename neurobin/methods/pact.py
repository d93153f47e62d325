"""PACT: 2-bit activations below a learned clip, 2-bit weights whose range follows from their statistics (SAWB)."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.pact import PactActivation
from neurobin.nn.weights.sawb import SawbWeights
from neurobin.recipes.techniques.decay_alpha import DecayAlpha
from neurobin.recipes.techniques.positive_gamma import PositiveGamma

BITS = 2

METHOD = Method(
    name="pact",
    title="PACT (2-bit)",
    paper="PACT: Parameterized Clipping Activation for Quantized Neural Networks",
    authors="Choi, Wang, Venkataramani, Chuang, Srinivasan, Gopalakrishnan",
    venue="arXiv preprint",
    year=2018,
    arxiv="1805.06085",
    weights="2 bits, uniform over a range from mean |w| and mean w^2 (SAWB), straight-through gradient",
    activations="2 bits, uniform below a learned clip per layer with an L2 penalty on it",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, max pool, batch norm, clip, quantize",),
    build=Vgg(hidden=quant_conv(SawbWeights(BITS)), activation=partial(PactActivation, bits=BITS)),
    recipe=Recipe(epochs_large=8, techniques=(PositiveGamma(), DecayAlpha(2e-4))),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-18, 2-bit W and A", 64.4, "arXiv 1805.06085 (unverified)"),
        Published("ImageNet, ResNet-18, 4-bit W and A", 69.2, "arXiv 1805.06085 (unverified)"),
    ),
    notes=(
        "The paper takes DoReFa's weights; SAWB is the weight quantizer its authors added to it (arXiv 1807.06964).",
        "The clip starts at 3, near the range of normalised sums.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "gamma stays positive, so that max pooling of sums deploys as max pooling of codes.",
    ),
)

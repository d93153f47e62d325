"""ReBNet: activations as two signs with learned scales, the second of what the first leaves; binary weights everywhere."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, quant_linear
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.residual import ResidualSigns
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.positive_gamma import PositiveGamma

WEIGHTS = SignWeights()
CONV = quant_conv(WEIGHTS)
SIGNS = partial(ResidualSigns, levels=2)

METHOD = Method(
    name="rebnet",
    title="ReBNet (2 levels)",
    paper="ReBNet: Residual Binarized Neural Network",
    authors="Ghasemzadeh, Samragh, Koushanfar",
    venue="FCCM",
    year=2018,
    arxiv="1711.01243",
    weights="sign, gradient clipped at 1",
    activations="two signs with learned scales per layer, the second one of the residual; gradients clipped at 1",
    first="binary weights on whole-number pixels",
    last="binary weights, batch norm to logits",
    blocks=("plain: conv, max pool, batch norm, residual signs",),
    build=Vgg(hidden=CONV, activation=SIGNS, first=CONV, last=quant_linear(WEIGHTS)),
    recipe=Recipe(epochs=100, epochs_large=8, lr=1e-2, techniques=(ClipLatent(1.0), PositiveGamma())),
    precision=Precision(),
    literature_accuracy=(
        Published("CIFAR-10, 1 level", 80.6, "arXiv 1711.01243 (unverified)"),
        Published("CIFAR-10, 2 levels", 85.9, "arXiv 1711.01243 (unverified)"),
        Published("CIFAR-10, 3 levels", 87.0, "arXiv 1711.01243 (unverified)"),
    ),
    notes=(
        "The paper's learned scale of each layer's weights is left out: batch norm follows every layer and absorbs it.",
        "The second scale is a whole number of 64ths of the first and smaller than it, in training as well.",
        "gamma stays positive, so that max pooling of sums deploys as max pooling of codes.",
    ),
)

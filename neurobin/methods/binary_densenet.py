"""BinaryDenseNet: every binary convolution adds channels to a real map that is never overwritten."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.densenet import DenseLayers, DenseNet, Transition
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import clipped
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent

LIMIT = 1.3
GROWTH = 32
LAYERS = DenseLayers(SignWeights(clipped(LIMIT)), partial(SignActivation, estimator=clipped(LIMIT)), GROWTH)

METHOD = Method(
    name="binary_densenet",
    title="BinaryDenseNet",
    paper="Back to Simplicity: How to Train Accurate BNNs from Scratch?",
    authors="Bethge, Yang, Bornstein, Meinel",
    venue="arXiv",
    year=2019,
    arxiv="1906.08637",
    weights="sign without a scale, gradient clipped at 1.3",
    activations="sign of a batch norm per layer, gradient clipped at 1.3; the concatenated map stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "dense: batch norm, sign, conv to 32 channels, concatenate",
        "transition: batch norm, max pool, ReLU, real 1x1 conv",
    ),
    build=DenseNet(LAYERS, layers=(3, 3), transitions=(Transition(96),), growth=GROWTH),
    recipe=Recipe(epochs_large=8, techniques=(ClipLatent(LIMIT),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, BinaryDenseNet 28", 60.7, "arXiv 1906.08637, unverified"),
        Published("ImageNet, BinaryDenseNet 28, larq", 60.91, "larq/docs, zoo"),
        Published("ImageNet, BinaryDenseNet 37, larq", 62.89, "larq/docs, zoo"),
        Published("ImageNet, BinaryDenseNet 45, larq", 64.59, "larq/docs, zoo"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Two blocks of three layers with growth 32; the paper's smallest network has four of five and six with growth 64.",
    ),
)

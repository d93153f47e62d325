"""MeliusNet: dense layers add channels, improvement layers add to them."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.densenet import DenseLayers, DenseNet, Transition
from neurobin.nets.melius import MeliusBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import clipped
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent

LIMIT = 1.3
GROWTH = 32
LAYERS = DenseLayers(SignWeights(clipped(LIMIT)), partial(SignActivation, estimator=clipped(LIMIT)), GROWTH)

METHOD = Method(
    name="meliusnet",
    title="MeliusNet",
    paper="MeliusNet: Can Binary Neural Networks Achieve MobileNet-level Accuracy?",
    authors="Bethge, Bartz, Yang, Chen, Meinel",
    venue="arXiv",
    year=2020,
    arxiv="2001.05936",
    weights="sign without a scale, gradient clipped at 1.3",
    activations="sign of a batch norm per layer, gradient clipped at 1.3; the concatenated map stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "dense: batch norm, sign, conv to 32 channels, concatenate",
        "improvement: batch norm, sign, conv to 32 channels, add to the last 32",
        "transition: batch norm, max pool, ReLU, real 1x1 conv",
    ),
    build=DenseNet(MeliusBlocks(LAYERS), layers=(2, 2), transitions=(Transition(96),), growth=GROWTH),
    recipe=Recipe(epochs_large=6, optimizer="radam", techniques=(ClipLatent(LIMIT),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, MeliusNet 22, grouped stem", 63.6, "model table of the authors' repository"),
        Published("ImageNet, MeliusNet 42, grouped stem", 69.2, "model table of the authors' repository"),
        Published("ImageNet, MeliusNet 59, grouped stem", 70.7, "model table of the authors' repository"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "No grouped stem, which pays for large images only.",
        "Two stages of two blocks with growth 32; the paper's smallest network has four of four and five with growth 64.",
    ),
)

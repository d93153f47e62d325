"""ResNetE: as many real shortcuts as possible, wide windows for the gradient, trained from scratch in one stage."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, relu
from neurobin.nets.resnet import ResNet
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import clipped
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent

LIMIT = 1.25
CONV = quant_conv(SignWeights(clipped(LIMIT)))
SIGN = partial(SignActivation, estimator=clipped(LIMIT))

METHOD = Method(
    name="resnete",
    title="ResNetE",
    paper="Back to Simplicity: How to Train Accurate BNNs from Scratch?",
    authors="Bethge, Yang, Bornstein, Meinel",
    venue="arXiv",
    year=2019,
    arxiv="1906.08637",
    weights="sign without a scale, gradient clipped at 1.25",
    activations="sign, gradient clipped at 1.25; the map of the shortcut stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("resnetE: sign, conv, batch norm, add shortcut", "downsample: average pool, real 1x1 conv, batch norm"),
    build=ResNet(ShortcutBlocks(CONV, SIGN), last=relu),
    recipe=Recipe(epochs_large=8, techniques=(ClipLatent(LIMIT),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNetE 18", 58.1, "arXiv 1906.08637, unverified"),
        Published("ImageNet, ResNetE 18, larq", 58.32, "larq/docs, zoo"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Four blocks of one convolution on a 3x3 stem; the paper's smallest has sixteen on a 7x7 stem.",
    ),
)

"""Competitive BNNs from scratch: no scale per filter and no real pretraining, batch norm and shortcuts do both."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.resnet import ResNet
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import clipped
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent

LIMIT = 1.0
CONV = quant_conv(SignWeights(clipped(LIMIT)))
SIGN = partial(SignActivation, estimator=clipped(LIMIT))

METHOD = Method(
    name="scratch",
    title="BNNs from scratch",
    paper="Training Competitive Binary Neural Networks from Scratch",
    authors="Bethge, Bornstein, Loy, Yang, Meinel",
    venue="arXiv",
    year=2018,
    arxiv="1812.01965",
    weights="sign without a scale, gradient clipped at 1",
    activations="sign, gradient clipped at 1; the map of the shortcut stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("resnetE: sign, conv, batch norm, add shortcut", "downsample: average pool, real 1x1 conv, batch norm"),
    build=ResNet(ShortcutBlocks(CONV, SIGN)),
    recipe=Recipe(epochs_large=8, techniques=(ClipLatent(LIMIT),)),
    precision=Precision(),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "The paper tunes the clipping limit; ours is 1. Its scale per filter is left out, which it found to help nothing.",
        "The paper's dense variant is BinaryDenseNet's forerunner; here it is the residual one.",
    ),
)

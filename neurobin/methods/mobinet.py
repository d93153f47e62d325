"""MoBiNet: MobileNet's plan in binary, grouped convolutions in place of depthwise ones."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.mobile import MobileGroupBlocks
from neurobin.nets.resnet import ResNet, Stage
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import POLYNOMIAL
from neurobin.nn.weights.sign import SignWeights

DEPENDS = 8
CONV = quant_conv(SignWeights())
SIGN = partial(SignActivation, estimator=POLYNOMIAL)

METHOD = Method(
    name="mobinet",
    title="MoBiNet",
    paper="MoBiNet: A Mobile Binary Network for Image Classification",
    authors="Phan, Huynh, He, Savvides, Shen",
    venue="WACV",
    year=2020,
    arxiv="1907.12629",
    weights="sign without a scale, gradient clipped at 1",
    activations="sign with the polynomial estimator; the map of the shortcut stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "mobile group: sign, 3x3 conv whose outputs see 8 channels each, batch norm, add shortcut",
        "pointwise: sign, 1x1 conv, batch norm, add shortcut (the map twice where channels double)",
    ),
    build=ResNet(
        MobileGroupBlocks(CONV, SIGN, DEPENDS), (Stage(64, 1, 1), Stage(128, 2, 2), Stage(256, 1, 1)), stem_width=64
    ),
    recipe=Recipe(epochs_large=8),
    precision=Precision(),
    literature_accuracy=(Published("ImageNet, MoBiNet", 54.4, "arXiv 1907.12629, abstract"),),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Four blocks, shortcuts around both convolutions; the paper compares shortcuts before, within and behind blocks.",
        "Each output of a 3x3 convolution depends on 8 channels; the published figure is of fewer.",
        "Without a scale per channel: batch norm behind every convolution would absorb it.",
    ),
)

"""Bi-Real Net: binary convolutions, each bridged by a real shortcut, so the feature map in memory stays real."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.resnet import ResNet
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import POLYNOMIAL
from neurobin.nn.weights.magnitude import MagnitudeAwareSign

CONV = quant_conv(MagnitudeAwareSign(scale_gradient=False))

METHOD = Method(
    name="birealnet",
    title="Bi-Real Net",
    paper="Bi-Real Net: Enhancing the Performance of 1-bit CNNs With Improved Representational Capability and Advanced "
    "Training Algorithm",
    authors="Liu, Wu, Luo, Yang, Liu, Cheng",
    venue="ECCV",
    year=2018,
    arxiv="1808.00278",
    weights="sign times mean |w| of the filter, the scale constant in the backward pass",
    activations="sign with the polynomial estimator; the map of the shortcut stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("bireal: sign, conv, batch norm, add shortcut", "downsample: average pool, real 1x1 conv, batch norm"),
    build=ResNet(ShortcutBlocks(CONV, partial(SignActivation, estimator=POLYNOMIAL))),
    recipe=Recipe(epochs=100, epochs_large=8, lr=1e-2),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, Bi-Real 18", 56.4, "arXiv 1808.00278"),
        Published("ImageNet, Bi-Real 34", 62.2, "arXiv 1808.00278"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Trained in one stage from scratch; the paper first trains with clipped real activations.",
        "The scale per filter is kept and folds into batch norm; the paper retrains batch norm without it.",
    ),
)

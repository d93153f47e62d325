"""Widening and squeezing: a binary network starts wider than its real model, and loses the channels it does not need."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.resnet import ResNet, Stage
from neurobin.nets.squeeze import SqueezeBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import POLYNOMIAL
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.sparsity import ChannelSparsity

CONV = quant_conv(MagnitudeAwareSign(scale_gradient=False))
SIGN = partial(SignActivation, estimator=POLYNOMIAL)
STAGES = (Stage(64, 1, 1), Stage(128, 1, 2))

METHOD = Method(
    name="widen_squeeze",
    title="Widening and Squeezing",
    paper="Widening and Squeezing: Towards Accurate and Efficient QNNs",
    authors="Liu, Han, Wang, Chen, Tian, Xu",
    venue="arXiv preprint",
    year=2020,
    arxiv="2002.00555",
    weights="sign times mean |w| of the filter, the scale constant in the backward pass",
    activations="sign with the polynomial estimator; the map of the shortcut stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "widened: sign, conv to twice the channels, batch norm, sign, gate, conv, batch norm, add shortcut",
        "squeezed: half of all inner channels close at half of the training",
        "downsample: average pool, real 1x1 conv, batch norm",
    ),
    build=ResNet(SqueezeBlocks(CONV, SIGN, widen=2), STAGES),
    recipe=Recipe(epochs=100, epochs_large=8, lr=1e-2, techniques=(ChannelSparsity(1e-4, keep=0.5, at=0.5),)),
    precision=Precision(),
    literature_accuracy=(Published("ImageNet, ResNet-18, widened", 70.1, "arXiv 2002.00555, abstract: top-1 error 29.9 %"),),
    notes=(
        "Closed channels leave the deployed network: its inner layers are together as wide as if never widened.",
        "Sparsity acts on gates behind the signs, which learn what a channel is worth to the loss; only inner maps shrink.",
        "The estimator of activations is Bi-Real Net's; the paper clips.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
    ),
)

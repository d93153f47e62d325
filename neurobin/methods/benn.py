"""BENN: an ensemble of binary networks, each trained on a bootstrap sample, whose class scores are added."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.ends import quant_conv, quant_linear
from neurobin.nets.ensemble import Ensemble
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.bagging import Bagging
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.positive_gamma import PositiveGamma

WEIGHTS = SignWeights()
CONV = quant_conv(WEIGHTS)
MEMBER = Vgg(hidden=CONV, activation=SignActivation, first=CONV, last=quant_linear(WEIGHTS))

METHOD = Method(
    name="benn",
    title="BENN",
    paper="Binary Ensemble Neural Network: More Bits per Network or More Networks per Bit?",
    authors="Zhu, Dong, Su",
    venue="CVPR",
    year=2019,
    arxiv="1806.07550",
    weights="sign, gradient clipped at 1",
    activations="sign, gradient clipped at 1",
    first="binary weights on whole-number pixels",
    last="binary weights, batch norm to logits, added over three networks",
    blocks=("plain: conv, max pool, batch norm, sign", "three members, bagging, soft vote"),
    build=Ensemble(MEMBER, count=3),
    recipe=Recipe(
        epochs_large=8,
        epochs=100,
        lr=1e-2,
        loss="none",
        techniques=(Bagging("squared_hinge"), ClipLatent(1.0), PositiveGamma()),
    ),
    precision=Precision(),
    notes=(
        "Members are trained side by side from independent starts. The paper's boosting is not modelled.",
        "Deployed as one network: scores become 16-bit fixed point to be added; the vote is over scores, not classes.",
        "gamma stays positive, so that max pooling of sums deploys as an OR of bits.",
    ),
)

"""SQ-BWN: stochastic quantization of binary weights, on a share of the filters that grows while the network trains."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.ends import quant_conv, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.weights.group_share import GroupShare
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.clip_latent import ClipLatent

CONV = quant_conv(GroupShare(MagnitudeAwareSign()))

METHOD = Method(
    name="sq_bwn",
    title="SQ-BWN",
    paper="Learning Accurate Low-Bit Deep Neural Networks with Stochastic Quantization",
    authors="Dong, Ni, Li, Chen, Zhu, Su",
    venue="BMVC",
    year=2017,
    arxiv="1708.01001",
    weights="sign times mean |w| of the filter, on 50, 75, 87.5 and 100 % of the filters",
    activations="real, ReLU",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=Vgg(hidden=CONV, activation=relu, order=Order.POOL_LAST),
    recipe=Recipe(techniques=(ClipLatent(1.0),)),
    precision=Precision(),
    notes=(
        "The filters of the smallest relative error are quantized first; the paper draws them by roulette.",
        "Each share lasts a quarter of one training; the paper trains anew at each share.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
    ),
)

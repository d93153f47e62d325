"""Flexible network binarization: layers become binary one after the other while the network trains, the deepest first."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.ends import quant_conv, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.weights.after import After
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.clip_latent import ClipLatent

STARTS = (0.6, 0.4, 0.2, 0.0)  # the share of the training after which hidden layer 1, 2, 3, 4 is binary
HIDDEN = tuple(quant_conv(After(start, MagnitudeAwareSign())) for start in STARTS)

METHOD = Method(
    name="flexible",
    title="Flexible Network Binarization",
    paper="Flexible Network Binarization with Layer-wise Priority",
    authors="Wang, Xu, Ni, Zhuang, Xu",
    venue="ICIP",
    year=2018,
    arxiv="1709.04344",
    weights="sign times mean |w| of the filter, in one more layer at each fifth of the training",
    activations="real, ReLU",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=Vgg(hidden=HIDDEN, activation=relu, order=Order.POOL_LAST),
    recipe=Recipe(techniques=(ClipLatent(1.0),)),
    precision=Precision(),
    notes=(
        "All hidden layers end binary; the paper may stop before and keep the first layers real.",
        "A layer switches at once and stays binary while the whole network trains on; the paper alternates the two.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
    ),
)

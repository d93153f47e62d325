"""BNN+: a sharper estimator than the clipped one, and a regularizer that gathers weights around their binary values."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import SWISH, swish
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.positive_gamma import PositiveGamma
from neurobin.recipes.techniques.weight_regularizer import WeightRegularizer

CONV = quant_conv(MagnitudeAwareSign(SWISH, scale_gradient=False))

METHOD = Method(
    name="bnn_plus",
    title="BNN+",
    paper="BNN+: Improved Binary Network Training",
    authors="Darabi, Belbahri, Courbariaux, Partovi Nia",
    venue="arXiv preprint",
    year=2018,
    arxiv="1812.11800",
    weights="sign times mean |w| of the filter, SignSwish estimator with beta = 5",
    activations="sign, SignSwish estimator with beta = 2",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, max pool, batch norm, sign", "regularizer |alpha - |w||"),
    build=Vgg(hidden=CONV, activation=partial(SignActivation, estimator=swish(2.0))),
    recipe=Recipe(epochs=100, lr=1e-2, techniques=(PositiveGamma(), WeightRegularizer(1e-5))),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, AlexNet", 46.1, "arXiv 1812.11800, unverified"),
        Published("ImageNet, ResNet-18", 53.0, "arXiv 1812.11800, unverified"),
    ),
    notes=(
        "With the paper's beta = 5 for activations, too, this network stays 20 points behind after 15 epochs on the digits.",
        "alpha is mean |w| of the filter and constant in the backward pass; the paper has one per layer.",
        "The paper retrains a real network; trained from scratch here.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "gamma stays positive, so that max pooling of sums deploys as an OR of bits.",
    ),
)

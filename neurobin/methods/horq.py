"""HORQ: signs of the input and signs of what they leave over, each with a scale computed from the image."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.ends import nothing
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.layers.planes_conv import PlanesConv2d
from neurobin.nn.layers.residual_planes import ResidualPlanes
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.clip_latent import ClipLatent

CONV = partial(PlanesConv2d, planes=partial(ResidualPlanes, order=2), weights=MagnitudeAwareSign())

METHOD = Method(
    name="horq",
    title="HORQ",
    paper="Performance Guaranteed Network Acceleration via High-Order Residual Quantization",
    authors="Li, Ni, Zhang, Yang, Gao",
    venue="ICCV",
    year=2017,
    arxiv="1708.08687",
    weights="sign times mean |w| of the filter, the gradient reaches the scale",
    activations="order 2: sign of the input and sign of its residual, each times its mean magnitude over the image's map",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("xnor: batch norm, two planes, conv of each times its scale, add, max pool",),
    build=Vgg(hidden=CONV, activation=nothing, order=Order.NORM_FIRST),
    recipe=Recipe(epochs_large=6, techniques=(ClipLatent(1.0),)),
    precision=Precision(),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Scales belong to a whole map; the paper also takes residuals window by window, which no map of bits can hold.",
        "Scales depend on the image: deployed, they are sums of a map, and the residual is a 16-bit map.",
    ),
)

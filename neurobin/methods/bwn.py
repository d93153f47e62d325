"""Binary-weight network of the XNOR-Net paper: signs with a scale per filter for weights, real activations."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.clip_latent import ClipLatent

CONV = quant_conv(MagnitudeAwareSign())

METHOD = Method(
    name="bwn",
    title="BWN",
    paper="XNOR-Net: ImageNet Classification Using Binary Convolutional Neural Networks",
    authors="Rastegari, Ordonez, Redmon, Farhadi",
    venue="ECCV",
    year=2016,
    arxiv="1603.05279",
    weights="sign times mean |w| of the filter, the gradient reaches the scale",
    activations="real, ReLU",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=Vgg(hidden=CONV, activation=relu, order=Order.POOL_LAST),
    recipe=Recipe(techniques=(ClipLatent(1.0),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, AlexNet", 56.8, "arXiv 1603.05279 (unverified)"),
        Published("ImageNet, ResNet-18", 60.8, "arXiv 1603.05279 (unverified)"),
        Published("ImageNet, AlexNet, another training", 55.7, "tensorpack examples, DoReFa-Net README"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Weights are clipped after each step but not mean-centred, which the authors' code adds.",
    ),
)

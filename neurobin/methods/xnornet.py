"""XNOR-Net: signs for weights and activations, a scale per filter and an input-dependent scale K per position."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import nothing
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.layers.xnor_conv import XnorConv2d
from neurobin.recipes.techniques.clip_latent import ClipLatent

METHOD = Method(
    name="xnornet",
    title="XNOR-Net",
    paper="XNOR-Net: ImageNet Classification Using Binary Convolutional Neural Networks",
    authors="Rastegari, Ordonez, Redmon, Farhadi",
    venue="ECCV",
    year=2016,
    arxiv="1603.05279",
    weights="sign times mean |w| of the filter, the gradient reaches the scale",
    activations="sign, with the map K of mean |input| under the kernel as scale; gradient clipped at 1",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("xnor: batch norm, sign, conv times K and alpha, max pool",),
    build=Vgg(hidden=XnorConv2d, activation=nothing, order=Order.NORM_FIRST),
    recipe=Recipe(epochs=100, techniques=(ClipLatent(1.0),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, AlexNet", 44.2, "arXiv 1603.05279"),
        Published("ImageNet, ResNet-18", 51.2, "arXiv 1603.05279"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Groups of a convolution share one K, the mean over all channels.",
        "Weights are clipped after each step but not mean-centred, which the authors' code adds.",
    ),
)

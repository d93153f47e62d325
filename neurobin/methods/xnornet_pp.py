"""XNOR-Net++: signs for weights and activations, and learned scales per filter, row and column in place of XNOR-Net's K."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.sized import Sized
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.layers.rank_one_conv import RankOneConv2d
from neurobin.recipes.techniques.clip_latent import ClipLatent

METHOD = Method(
    name="xnornet_pp",
    title="XNOR-Net++",
    paper="XNOR-Net++: Improved Binary Neural Networks",
    authors="Bulat, Tzimiropoulos",
    venue="BMVC",
    year=2019,
    arxiv="1909.13863",
    weights="sign, gradient clipped at 1; a learned scale per filter",
    activations="sign, gradient clipped at 1; a learned scale per row times one per column of the result",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("xnor: batch norm, sign, conv times alpha per filter, beta per row and gamma per column, max pool",),
    build=Sized(Vgg(hidden=RankOneConv2d, activation=SignActivation, order=Order.NORM_FIRST)),
    recipe=Recipe(epochs_large=8, lr=1e-2, techniques=(ClipLatent(1.0),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-18", 57.1, "arXiv 1909.13863 (unverified)"),
        Published("ImageNet, AlexNet", 46.9, "arXiv 1909.13863 (unverified)"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "The paper's last case of four: the scale is a product of three vectors; alpha starts at mean |w|, the others at 1.",
        "The network is XNOR-Net's here, so that only the scale differs; the paper's has shortcuts.",
        "Rows and columns have their own scale, so a trained network takes images of one size.",
    ),
)

"""Trained ternary quantization: weights -W_n, 0, +W_p with both scales learned, real activations."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.weights.ttq import TrainedTernary

CONV = quant_conv(TrainedTernary())

METHOD = Method(
    name="ttq",
    title="TTQ",
    paper="Trained Ternary Quantization",
    authors="Zhu, Han, Mao, Dally",
    venue="ICLR",
    year=2017,
    arxiv="1612.01064",
    weights="ternary with threshold 0.05 max |w| and two learned scales per layer, gradient times the scale",
    activations="real, ReLU",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=Vgg(hidden=CONV, activation=relu, order=Order.POOL_LAST),
    recipe=Recipe(),
    precision=Precision(),
    literature_accuracy=(Published("ImageNet, AlexNet", 58.0, "tensorpack examples, DoReFa-Net README"),),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Trained from scratch; the paper's CIFAR networks start from trained real ones.",
        "Positive and negative weights deploy as two convolutions of {0, 1} codes.",
        "Their sums are rounded to one 16-bit scale before they are added.",
    ),
)

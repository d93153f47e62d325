"""Incremental network quantization: weights become powers of two in groups, the largest first."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, quant_linear, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.weights.power_of_two import PowerOfTwo

WEIGHTS = PowerOfTwo(5)
CONV = quant_conv(WEIGHTS)

METHOD = Method(
    name="inq",
    title="INQ",
    paper="Incremental Network Quantization: Towards Lossless CNNs with Low-Precision Weights",
    authors="Zhou, Yao, Guo, Xu, Chen",
    venue="ICLR",
    year=2017,
    arxiv="1702.03044",
    weights="0 and 8 powers of two of either sign per layer (5 bits), on 50, 75, 87.5 and 100 % of the weights",
    activations="real, ReLU",
    first="powers of two",
    last="powers of two, batch norm to logits",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=Vgg(hidden=CONV, activation=relu, first=CONV, last=quant_linear(WEIGHTS), order=Order.POOL_LAST),
    recipe=Recipe(),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-18, 5 bits", 68.98, "arXiv 1702.03044 (unverified)"),
        Published("ImageNet, ResNet-18, 2 bits", 66.0, "arXiv 1702.03044 (unverified)"),
    ),
    notes=(
        "Stored as 9-bit integers, where the paper's code has 5 bits: size and work are those of 9-bit weights.",
        "Shifts in place of products are not modelled.",
        "A fifth of the training is real and each share lasts a fifth, in the last of which only batch norms learn.",
        "The paper starts from a trained network and trains anew at each share.",
    ),
)

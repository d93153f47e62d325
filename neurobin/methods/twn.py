"""Ternary weight networks: weights -alpha, 0, +alpha in every layer, real activations."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, quant_linear, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.weights.ternary import TernaryWeights

WEIGHTS = TernaryWeights()
CONV = quant_conv(WEIGHTS)

METHOD = Method(
    name="twn",
    title="TWN",
    paper="Ternary Weight Networks",
    authors="Li, Zhang, Liu",
    venue="arXiv preprint",
    year=2016,
    arxiv="1605.04711",
    weights="ternary with threshold 0.7 mean |w| and one scale per layer, gradient clipped at 1",
    activations="real, ReLU",
    first="ternary weights",
    last="ternary weights, batch norm to logits",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=Vgg(hidden=CONV, activation=relu, first=CONV, last=quant_linear(WEIGHTS), order=Order.POOL_LAST),
    recipe=Recipe(),
    precision=Precision(),
    literature_accuracy=(
        Published("MNIST, LeNet-5", 99.35, "arXiv 1605.04711 (unverified)"),
        Published("CIFAR-10, VGG-7", 92.56, "arXiv 1605.04711"),
        Published("ImageNet, ResNet-18", 61.8, "arXiv 1605.04711"),
    ),
)

"""Ternary weight networks: weights -alpha, 0, +alpha in every layer, real activations."""

from __future__ import annotations

from torch import nn

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets import Task
from neurobin.nets.ends import quant_conv, quant_linear
from neurobin.nets.plain import PlainLayers, plain
from neurobin.nn import TernaryWeights

WEIGHTS = TernaryWeights()


def build(task: Task) -> nn.Module:
    """The plain network with ternary weights and ReLU."""
    conv = quant_conv(WEIGHTS)
    return plain(task, PlainLayers(conv, conv, quant_linear(WEIGHTS), nn.ReLU, pool_first=False))


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
    build=build,
    recipe=Recipe(),
    precision=Precision(),
    literature_accuracy=(
        Published("MNIST, LeNet-5", 99.35, "arXiv 1605.04711"),
        Published("CIFAR-10, VGG-7", 92.56, "arXiv 1605.04711"),
        Published("ImageNet, ResNet-18", 61.8, "arXiv 1605.04711"),
    ),
)

"""BinaryConnect: sign weights in every layer, real activations."""

from __future__ import annotations

from torch import nn

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets import Task
from neurobin.nets.ends import quant_conv, quant_linear
from neurobin.nets.plain import PlainLayers, plain
from neurobin.nn import STRAIGHT_THROUGH, SignWeights

WEIGHTS = SignWeights(STRAIGHT_THROUGH)


def build(task: Task) -> nn.Module:
    """The plain network with deterministic sign weights and ReLU."""
    conv = quant_conv(WEIGHTS)
    return plain(task, PlainLayers(conv, conv, quant_linear(WEIGHTS), nn.ReLU, pool_first=False))


METHOD = Method(
    name="binaryconnect",
    title="BinaryConnect",
    paper="BinaryConnect: Training Deep Neural Networks with binary weights during propagations",
    authors="Courbariaux, Bengio, David",
    venue="NeurIPS",
    year=2015,
    arxiv="1511.00363",
    weights="sign (deterministic), straight-through gradient, latent weights clipped to [-1, 1]",
    activations="real, ReLU",
    first="binary weights",
    last="binary weights, batch norm to logits",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=build,
    recipe=Recipe(clip=1.0, loss="squared_hinge"),
    precision=Precision(),
    literature_accuracy=(
        Published("MNIST, MLP 3x1024, deterministic", 98.71, "arXiv 1511.00363, table 2"),
        Published("CIFAR-10, VGG-like, deterministic", 90.10, "arXiv 1511.00363, table 2"),
    ),
    notes=(
        "The stochastic variant is `SignWeights(stochastic=True)`; the paper deploys real weights after training with it.",
        "Pools follow ReLU, where the paper pools before batch norm; Adam without the paper's rate scaled per layer.",
    ),
)

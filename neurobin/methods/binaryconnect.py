"""BinaryConnect: sign weights in every layer, real activations."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, quant_linear, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.estimators import STRAIGHT_THROUGH
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent

WEIGHTS = SignWeights(STRAIGHT_THROUGH)
CONV = quant_conv(WEIGHTS)

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
    build=Vgg(hidden=CONV, activation=relu, first=CONV, last=quant_linear(WEIGHTS), order=Order.POOL_LAST),
    recipe=Recipe(loss="squared_hinge", techniques=(ClipLatent(1.0),)),
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

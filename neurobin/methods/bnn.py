"""Binarized neural networks: signs for weights and activations in every layer, 8-bit pixels as input."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, quant_linear
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.positive_gamma import PositiveGamma

WEIGHTS = SignWeights()
CONV = quant_conv(WEIGHTS)

METHOD = Method(
    name="bnn",
    title="BNN",
    paper="Binarized Neural Networks: Training Neural Networks with Weights and Activations Constrained to +1 or -1",
    authors="Hubara, Courbariaux, Soudry, El-Yaniv, Bengio",
    venue="NeurIPS",
    year=2016,
    arxiv="1602.02830",
    weights="sign, gradient clipped at 1",
    activations="sign, gradient clipped at 1",
    first="binary weights on whole-number pixels",
    last="binary weights, batch norm to logits",
    blocks=("plain: conv, max pool, batch norm, sign",),
    build=Vgg(hidden=CONV, activation=SignActivation, first=CONV, last=quant_linear(WEIGHTS)),
    recipe=Recipe(epochs=100, loss="squared_hinge", techniques=(ClipLatent(1.0), PositiveGamma())),
    precision=Precision(),
    literature_accuracy=(
        Published("MNIST, MLP 3x4096", 99.04, "arXiv 1602.02830, table 1 (Theano)"),
        Published("CIFAR-10, VGG-like", 88.60, "arXiv 1602.02830, table 1 (Theano)"),
    ),
    notes=("gamma stays positive, so that max pooling of sums deploys as an OR of bits.",),
)

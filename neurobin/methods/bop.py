"""Bop: no latent weights, but an optimizer that flips binary ones when a moving mean of their gradients asks for it."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, quant_linear
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import STRAIGHT_THROUGH
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.optimizers import BopAndAdam
from neurobin.recipes.techniques.positive_gamma import PositiveGamma

WEIGHTS = SignWeights(STRAIGHT_THROUGH)
CONV = quant_conv(WEIGHTS)

METHOD = Method(
    name="bop",
    title="Bop",
    paper="Latent Weights Do Not Exist: Rethinking Binarized Neural Network Optimization",
    authors="Helwegen, Widdicombe, Geiger, Liu, Cheng, Nusselder",
    venue="NeurIPS",
    year=2019,
    arxiv="1906.02107",
    weights="-1 or +1 during training as well, flipped by the optimizer",
    activations="sign, gradient clipped at 1",
    first="binary weights on whole-number pixels",
    last="binary weights, batch norm to logits",
    blocks=("plain: conv, max pool, batch norm, sign",),
    build=Vgg(hidden=CONV, activation=SignActivation, first=CONV, last=quant_linear(WEIGHTS)),
    recipe=Recipe(epochs=100, optimizer=BopAndAdam(gamma=1e-3), lr=1e-2, techniques=(PositiveGamma(),)),
    precision=Precision(),
    literature_accuracy=(
        Published("CIFAR-10, BinaryNet", 91.3, "plumerai/rethinking-bnn-optimization README"),
        Published("ImageNet, Binary AlexNet", 41.1, "plumerai/rethinking-bnn-optimization README"),
        Published("ImageNet, XNOR-Net", 45.9, "plumerai/rethinking-bnn-optimization README"),
        Published("ImageNet, Bi-Real Net", 56.6, "plumerai/rethinking-bnn-optimization README"),
    ),
    notes=(
        "gamma starts at 1e-3 rather than the paper's 1e-4, as training here is shorter, and decays with half a cosine.",
        "Adam trains the batch norms; their factors stay positive, so that max pooling of sums deploys as an OR of bits.",
    ),
)

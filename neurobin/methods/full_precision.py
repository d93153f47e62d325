"""The real-valued baseline: the zoo's plain network with ReLU, deployed with 16-bit fixed-point weights and activations."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.ends import real_conv, relu
from neurobin.nets.vgg import Order, Vgg

NETWORK = Vgg(hidden=real_conv, activation=relu, first=real_conv, order=Order.POOL_LAST)

METHOD = Method(
    name="full_precision",
    title="Full precision",
    paper="Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    authors="Ioffe, Szegedy",
    venue="ICML",
    year=2015,
    arxiv="1502.03167",
    weights="real",
    activations="real, ReLU",
    first="real",
    last="real",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=NETWORK,
    recipe=Recipe(weight_decay=1e-4),
    precision=Precision(weight_bits=16, activation_bits=16, map_bits=16),
    notes=("A baseline rather than a paper's method; the citation is that of its conv, batch norm, ReLU block.",),
    baseline=True,
)

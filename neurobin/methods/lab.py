"""Loss-aware binarization: the scale of a layer's signs weighted by the curvature of the loss, read from Adam."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.ends import quant_conv, quant_linear, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.weights.lab import LossAwareSign
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.loss_aware import LossAwareCurvature

WEIGHTS = LossAwareSign()
CONV = quant_conv(WEIGHTS)

METHOD = Method(
    name="lab",
    title="LAB",
    paper="Loss-aware Binarization of Deep Networks",
    authors="Hou, Yao, Kwok",
    venue="ICLR",
    year=2017,
    arxiv="1611.01600",
    weights="sign times a scale per layer, mean |w| weighted by the square root of Adam's second moment",
    activations="real, ReLU",
    first="binary weights",
    last="binary weights, batch norm to logits",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=Vgg(hidden=CONV, activation=relu, first=CONV, last=quant_linear(WEIGHTS), order=Order.POOL_LAST),
    recipe=Recipe(loss="squared_hinge", techniques=(ClipLatent(1.0), LossAwareCurvature())),
    precision=Precision(),
    notes=(
        "Activations are real as in the paper's first experiments; its LAB2 binarizes them as well.",
        "Adam's step on the latent weights is the paper's proximal Newton step with momentum.",
    ),
)

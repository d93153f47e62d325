"""Apprentice: ternary weights and 8-bit activations, taught by a full-precision network that is frozen (scheme B)."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.weights.ternary import TernaryWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.distil import Distil

CONV = quant_conv(TernaryWeights())

METHOD = Method(
    name="apprentice",
    title="Apprentice",
    paper="Apprentice: Using Knowledge Distillation Techniques To Improve Low-Precision Network Accuracy",
    authors="Mishra, Marr",
    venue="ICLR",
    year=2018,
    arxiv="1711.05852",
    weights="ternary with threshold 0.7 mean |w| and one scale per layer, gradient clipped at 1",
    activations="ReLU, real in training, 8 bits at inference",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, batch norm, ReLU, max pool", "scheme B: cross entropy plus distillation"),
    build=Vgg(hidden=CONV, activation=relu, order=Order.POOL_LAST),
    recipe=Recipe(techniques=(ClipLatent(1.0), Distil("full_precision", weight=0.5))),
    precision=Precision(),
    literature_accuracy=(Published("ImageNet, ResNet-18, 8-bit activations", 67, "unverified, from memory, rounded"),),
    notes=(
        "The teacher is the zoo's full-precision network of the same shape; the paper's is deeper than the student.",
        "Of the paper's schemes only B, a teacher trained beforehand; the loss's share of distillation is ours.",
        "Activations are rounded to 8 bits when the network is deployed; the paper trains with them, too.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
    ),
)

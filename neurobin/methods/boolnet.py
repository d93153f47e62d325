"""BoolNet: maps of bits throughout, several bit slices per value, and shortcuts by XNOR and OR."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.boolnet import BoolNet
from neurobin.nets.ends import quant_conv
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.distil import Distil

CONV = quant_conv(MagnitudeAwareSign(), pad_value=1)

METHOD = Method(
    name="boolnet",
    title="BoolNet",
    paper="BoolNet: Minimizing the Energy Consumption of Binary Neural Networks",
    authors="Guo, Bethge, Yang, Zhong, Ning, Meinel, Wang",
    venue="arXiv preprint",
    year=2021,
    arxiv="2106.06991",
    weights="sign times mean |w| of the filter, which folds into batch norm",
    activations="4 bit slices, signs at -2/3, -1/3, 1/3 and 2/3; gradient clipped at 1",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "bool: conv, batch norm, slices, XNOR shortcut, conv, batch norm, slices, OR shortcut, concatenate with it",
        "last: conv, batch norm, slices, XNOR shortcut, conv, batch norm, average pool",
    ),
    build=BoolNet(CONV, slices=4),
    recipe=Recipe(epochs_large=6, techniques=(ClipLatent(1.0), Distil("full_precision_resnet"))),
    precision=Precision(),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Weights are signs from the first step; the authors' code sharpens them progressively.",
        "Without the learned shift in front of the stem's slices, and without the second path and PReLU of the last block.",
        "Maps are padded with +1; the paper repeats the border.",
        "Where a map is halved, the shortcut is the OR of 2x2 bits; the plan of three blocks is ours.",
        "OR is trained through its polynomial (1 + a + b - a b) / 2; the teacher is the zoo's real residual network.",
    ),
)

"""ReActNet: learned thresholds (RSign) and shifted PReLUs (RPReLU) around binary convolutions with real shortcuts."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.react import ReActBlocks
from neurobin.nets.resnet import ResNet, Stage
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.weights.after import After
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.distil import Distil

CONV = quant_conv(After(0.5, MagnitudeAwareSign(scale_gradient=False)))
STAGES = (Stage(64, 1, 1), Stage(128, 1, 2))

METHOD = Method(
    name="reactnet",
    title="ReActNet",
    paper="ReActNet: Towards Precise Binary Neural Network with Generalized Activation Functions",
    authors="Liu, Shen, Savvides, Cheng",
    venue="ECCV",
    year=2020,
    arxiv="2003.03488",
    weights="sign times mean |w| of the filter, the scale constant in the backward pass",
    activations="sign with a learned threshold per channel, polynomial estimator; the map of the shortcut stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "react: RSign, 3x3 conv, batch norm, add shortcut, RPReLU",
        "react doubling: RSign, two 1x1 convs on the same bits, batch norm and add each, concatenate, RPReLU",
        "two stages: weights stay real for the first half of the training; the only loss is distillation",
    ),
    build=ResNet(ReActBlocks(CONV, RSign, RPReLU), STAGES, stem_width=32),
    recipe=Recipe(
        epochs=100,
        epochs_large=10,
        lr=1e-2,
        schedule="two_stage",
        loss="none",
        techniques=(Distil("full_precision_resnet"),),
    ),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ReActNet-A", 69.4, "arXiv 2003.03488, table 1"),
        Published("ImageNet, ReActNet on Bi-Real 18", 65.9, "liuzechun/ReActNet README"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "The teacher is the zoo's real residual network, where the paper takes ResNet-34.",
        "The rate falls as a cosine in either stage (the paper's linearly), without weight decay in the first.",
    ),
)

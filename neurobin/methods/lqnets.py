"""LQ-Nets: two bits each for weights and activations, at levels that training learns."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.basic import BasicBlocks
from neurobin.nets.ends import quant_conv, relu
from neurobin.nets.resnet import ResNet, Stage
from neurobin.nn.activations.learned_levels import LearnedLevels
from neurobin.nn.weights.learned_bases import LearnedBases

LEVELS = partial(LearnedLevels, bits=2)
BLOCKS = BasicBlocks(quant_conv(LearnedBases(2)), first=LEVELS, between=LEVELS, norm_first=True)
STAGES = (Stage(64, 1, 1), Stage(128, 1, 2))

METHOD = Method(
    name="lqnets",
    title="LQ-Nets",
    paper="LQ-Nets: Learned Quantization for Highly Accurate and Compact Deep Neural Networks",
    authors="Zhang, Yang, Ye, Hua",
    venue="ECCV",
    year=2018,
    arxiv="1807.10029",
    weights="2 binary bases with learned scales per filter, straight-through gradient",
    activations="4 levels from 2 learned scales per layer; gradient of a ReLU clipped at the top level",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("pre-activation: batch norm, levels, conv, batch norm, levels, conv, add shortcut",),
    build=ResNet(BLOCKS, stages=STAGES, last=relu),
    recipe=Recipe(epochs_large=6),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-18, 2-bit weights and activations", 64.9, "arXiv 1807.10029"),
        Published("ImageNet, ResNet-18, 3-bit weights and activations", 68.2, "arXiv 1807.10029"),
        Published("ImageNet, ResNet-34, 1-bit weights, 2-bit activations", 66.6, "arXiv 1807.10029"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "The sums of a convolution's two weight bases are added in 16-bit fixed point.",
        "Scales of activations are whole numbers of 64ths of the largest, in training as well.",
        "Blocks are purely pre-activated; the authors' code has batch norms behind them as well.",
        "Shortcuts that change the width are quantized like the other convolutions.",
    ),
)

"""Real-to-Binary: binary convolutions scaled by a gate computed from their input, taught by a real network."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import norm2d, nothing
from neurobin.nets.resnet import ResNet
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.activations.staged import StagedActivation
from neurobin.nn.layers.gated_conv import GatedConv2d
from neurobin.nn.weights.after import After
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.attention import AttentionTransfer
from neurobin.recipes.techniques.distil import Distil

TEACHER = "full_precision_resnet"
SIGN = partial(StagedActivation, quantizer=SignActivation, stages=((0.2, torch.tanh),))
CONV = partial(GatedConv2d, activation=SIGN, weights=After(0.5, MagnitudeAwareSign(scale_gradient=False)))
BLOCKS = ("block1_1", "block1_2", "block2_1", "block2_2")

METHOD = Method(
    name="real_to_binary",
    title="Real-to-Binary",
    paper="Training Binary Neural Networks with Real-to-Binary Convolutions",
    authors="Martinez, Yang, Bulat, Tzimiropoulos",
    venue="ICLR",
    year=2020,
    arxiv="2003.11535",
    weights="sign times mean |w| of the filter, the scale constant in the backward pass; real in the first half",
    activations="sign, gradient clipped at 1; tanh in the first fifth of training; the map of the shortcut stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "real-to-binary: batch norm, sign, conv times gate, PReLU, add shortcut",
        "gate: mean over the map, dense to 1/8, ReLU, dense, sigmoid",
        "downsample: average pool, real 1x1 conv, batch norm",
    ),
    build=ResNet(ShortcutBlocks(CONV, nothing, before=norm2d, norm=None, after=nn.PReLU)),
    recipe=Recipe(
        epochs_large=8,
        techniques=(AttentionTransfer(TEACHER, weight=30.0, at=BLOCKS), Distil(TEACHER, weight=0.8)),
    ),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-18", 65.4, "liuzechun/ReActNet README"),
        Published("ImageNet, ResNet-18, larq", 65.01, "larq/zoo"),
    ),
    notes=(
        "The first layer and the gates are trained with the 8-bit weights that they are deployed with.",
        "One run of three stages (tanh, binary activations, binary weights) with one teacher; the paper chains four runs.",
        "Attention is transferred with weight 30 in all stages; the paper drops it in the last one.",
        "Attention maps are divided by their largest value, as in larq's training code; the paper divides by the L2 norm.",
        "The teacher's answers count 0.8 in all stages; larq's training code has 3 in the earlier ones.",
        "Filters are scaled by mean |w| as well; larq's version leaves scales to the gates. The stem has no PReLU.",
        "A gate deploys as a table of 256 entries behind 8-bit sums.",
    ),
)

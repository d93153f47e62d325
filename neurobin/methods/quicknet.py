"""QuickNet: a shortcut around every convolution, a cheap stem, and blurred max pools where maps shrink."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, relu, stem
from neurobin.nets.quicknet import QuickBlocks, quick_stem
from neurobin.nets.resnet import ResNet
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import clipped
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent

LIMIT = 1.25
CONV = quant_conv(SignWeights(clipped(LIMIT)), pad_value=1)
SIGN = partial(SignActivation, estimator=clipped(LIMIT))

METHOD = Method(
    name="quicknet",
    title="QuickNet",
    paper="Larq Compute Engine: Design, Benchmark, and Deploy State-of-the-Art Binarized Neural Networks",
    authors="Bannink, Hillier, Geiger, de Bruin, Overweel, Neeven, Helwegen",
    venue="MLSys",
    year=2021,
    arxiv="2011.09398",
    weights="sign without a scale, gradient clipped at 1.25",
    activations="sign, gradient clipped at 1.25, padded with +1; the map of the shortcut stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "resnetE: sign, conv padded with +1, ReLU, batch norm, add shortcut",
        "transition: ReLU, max pool, fixed blur with stride 2, real 1x1 conv, batch norm",
    ),
    build=ResNet(
        QuickBlocks(ShortcutBlocks(CONV, SIGN, between=relu), whole_blur=True),
        stem=partial(quick_stem, conv=stem),
        last=relu,
    ),
    recipe=Recipe(epochs_large=8, optimizer="mixed", techniques=(ClipLatent(LIMIT),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, QuickNet Small", 59.4, "larq/docs, zoo"),
        Published("ImageNet, QuickNet", 63.3, "larq/docs, zoo"),
        Published("ImageNet, QuickNet Large", 66.9, "larq/docs, zoo"),
    ),
    notes=(
        "The stem is trained with the 8-bit weights that it is deployed with, and halves the map once.",
        "Two stages of two blocks with 64 and 128 channels; the paper's network has four of four with 64 to 512.",
        "The blur's weights are whole numbers over 16 and deploy exactly.",
    ),
)

"""The real-valued baseline with shortcuts: the zoo's small residual network with ReLU, and the teacher of binary ones."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.ends import real_conv, relu
from neurobin.nets.resnet import ResNet
from neurobin.nets.shortcut import ShortcutBlocks

METHOD = Method(
    name="full_precision_resnet",
    title="Full precision (ResNet)",
    paper="Identity Mappings in Deep Residual Networks",
    authors="He, Zhang, Ren, Sun",
    venue="ECCV",
    year=2016,
    arxiv="1603.05027",
    weights="real",
    activations="real, ReLU",
    first="8-bit weights, as in the binary residual networks",
    last="real",
    blocks=("bireal with ReLU: ReLU, conv, batch norm, add shortcut", "downsample: average pool, real 1x1 conv, batch norm"),
    build=ResNet(ShortcutBlocks(real_conv, relu), last=relu),
    recipe=Recipe(weight_decay=1e-4),
    precision=Precision(weight_bits=16, activation_bits=16, map_bits=16),
    notes=(
        "A baseline rather than a paper's method: Bi-Real Net's blocks with ReLU in place of the sign.",
        "One convolution under each shortcut; the cited network has two, and batch norm in front of ReLU.",
    ),
    baseline=True,
)

"""ABC-Net: three binary bases for weights times three shifted binary planes for activations."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.basic import BasicBlocks
from neurobin.nets.ends import relu
from neurobin.nets.resnet import ResNet, Stage
from neurobin.nn.layers.planes_conv import PlanesConv2d
from neurobin.nn.layers.shifted_planes import ShiftedPlanes
from neurobin.nn.weights.shifted_bases import ShiftedBases

CONV = partial(PlanesConv2d, planes=partial(ShiftedPlanes, count=3), weights=ShiftedBases(3))
STAGES = (Stage(64, 1, 1), Stage(128, 1, 2))

METHOD = Method(
    name="abcnet",
    title="ABC-Net",
    paper="Towards Accurate Binary Convolutional Neural Network",
    authors="Lin, Zhao, Pan",
    venue="NeurIPS",
    year=2017,
    arxiv="1711.11294",
    weights="3 bases, signs of w shifted by -1, 0 and +1 standard deviation, with least-squares scales per layer",
    activations="3 planes, signs at learned thresholds with learned scales; gradient 1 within 1/2 of the threshold",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=(
        "residual: batch norm, planes, conv, batch norm, planes, conv, add shortcut",
        "downsample: the same with a 1x1 conv",
    ),
    build=ResNet(BasicBlocks(CONV, norm_first=True), stages=STAGES, last=relu),
    recipe=Recipe(epochs_large=6),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-18, 5 bases each", 65.0, "arXiv 1711.11294 (unverified)"),
        Published("ImageNet, ResNet-18, 3 bases each", 61.0, "arXiv 1711.11294 (unverified)"),
    ),
    notes=(
        "The first layer is trained with the 8-bit weights that it is deployed with.",
        "Scales of bases and planes have no common step: the nine sums of a convolution are added in 16-bit fixed point.",
        "Batch norm stands before the planes; trained from scratch rather than from a real network.",
    ),
)

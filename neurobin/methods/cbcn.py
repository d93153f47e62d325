"""Circulant binary convolutional networks: one learned filter serves in four orientations."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.resnet import ResNet
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import POLYNOMIAL
from neurobin.nn.layers.circulant_conv import CirculantConv2d
from neurobin.recipes.techniques.center_loss import CenterLoss

METHOD = Method(
    name="cbcn",
    title="CBCN",
    paper="Circulant Binary Convolutional Networks: "
    "Enhancing the Performance of 1-bit DCNNs with Circulant Back Propagation",
    authors="Liu, Ding, Xia, Zhang, Gu, Liu, Ji, Doermann",
    venue="CVPR",
    year=2019,
    arxiv="1910.10853",
    weights="signs of a learned filter and of its three rotations, times mean |w|; the gradient sums over the four",
    activations="sign with the polynomial estimator; the map of the shortcut stays real",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("bireal: sign, circulant conv, batch norm, add shortcut", "downsample: average pool, real 1x1 conv, batch norm"),
    build=ResNet(ShortcutBlocks(CirculantConv2d, partial(SignActivation, estimator=POLYNOMIAL))),
    recipe=Recipe(epochs=100, epochs_large=8, techniques=(CenterLoss(0.001),)),
    precision=Precision(),
    literature_accuracy=(Published("ImageNet, ResNet-18", 61.4, "arXiv 1910.10853, abstract"),),
    notes=(
        "The file holds all four orientations, and so do size and work; that one in memory would do is not modelled.",
        "The weight of the center loss, 0.001, is ours.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
    ),
)

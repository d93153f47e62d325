"""MeliusNet 22 to 59 and A to C (Bethge et al. 2020, arXiv 2001.05936; hpi-xnor/bitorch; larq zoo)."""

from __future__ import annotations

from functools import partial

from neurobin.nets import stems
from neurobin.nets.densenet import DenseLayers, DenseNet, Transition
from neurobin.nets.melius import MeliusBlocks
from neurobin.nets.published._architecture import Architecture, Network
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import clipped
from neurobin.nn.weights.sign import SignWeights

GROWTH = 64
BLOCKS = MeliusBlocks(DenseLayers(SignWeights(clipped(1.3)), partial(SignActivation, estimator=clipped(1.3)), GROWTH))


def _stems(blocks: tuple[int, ...], widths: tuple[int, ...], groups: int = 1) -> dict[str, Network]:
    between = tuple(Transition(width, groups) for width in widths)
    return {
        "grouped": DenseNet(BLOCKS, blocks, between, GROWTH, stems.grouped, GROWTH),
        "7x7": DenseNet(BLOCKS, blocks, between, GROWTH, stems.seven, GROWTH),
    }


SOURCE = "arXiv 2001.05936; hpi-xnor/bitorch"
NETS = (
    Architecture("meliusnet22", "MeliusNet 22", SOURCE, _stems((4, 5, 4, 4), (160, 224, 256))),
    Architecture("meliusnet23", "MeliusNet 23", SOURCE, _stems((2, 4, 6, 6), (128, 192, 288), 8)),
    Architecture("meliusnet29", "MeliusNet 29", SOURCE, _stems((4, 6, 8, 6), (128, 192, 256))),
    Architecture("meliusnet42", "MeliusNet 42", SOURCE, _stems((5, 8, 14, 10), (160, 256, 416))),
    Architecture("meliusnet59", "MeliusNet 59", SOURCE, _stems((6, 12, 24, 12), (192, 320, 544))),
    Architecture("meliusnet_a", "MeliusNet A", SOURCE, _stems((4, 5, 5, 6), (160, 256, 288), 4)),
    Architecture("meliusnet_b", "MeliusNet B", SOURCE, _stems((4, 6, 8, 6), (160, 224, 320), 2)),
    Architecture("meliusnet_c", "MeliusNet C", SOURCE, _stems((3, 5, 10, 6), (128, 192, 288), 4)),
)

"""BinaryDenseNet 28, 37, 37 dilated and 45 (Bethge et al. 2019, arXiv 1906.08637; larq zoo, literature/densenet.py).

Transitions keep a share 1/reduction of the channels, to the nearest multiple of 32: round(floor(C / reduction) / 32) * 32.
"""

from __future__ import annotations

from functools import partial

from neurobin.nets import stems
from neurobin.nets.densenet import DenseLayers, DenseNet, Transition
from neurobin.nets.published._architecture import Architecture, Network
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import clipped
from neurobin.nn.weights.sign import SignWeights

GROWTH = INITIAL = 64
LAYERS = DenseLayers(SignWeights(clipped(1.3)), partial(SignActivation, estimator=clipped(1.3)), GROWTH)


def transitions(layers: tuple[int, ...], reductions: tuple[float, ...]) -> tuple[Transition, ...]:
    """The width behind every block but the last."""
    channels, found = INITIAL, []
    for count, reduction in zip(layers, reductions, strict=False):
        channels = round((channels + GROWTH * count) // reduction / 32) * 32
        found.append(Transition(channels))
    return tuple(found)


def _stems(layers: tuple[int, ...], reductions: tuple[float, ...], dilations: tuple[int, ...] = ()) -> dict[str, Network]:
    between = transitions(layers, reductions)
    return {
        "7x7": DenseNet(LAYERS, layers, between, GROWTH, stems.seven, INITIAL, dilations),
        "grouped": DenseNet(LAYERS, layers, between, GROWTH, stems.grouped, INITIAL, dilations),
    }


SOURCE = "arXiv 1906.08637; larq zoo, literature/densenet.py"
WIDE = ((6, 8, 12, 6), (3.3, 3.3, 4))
NETS = (
    Architecture("binary_densenet28", "BinaryDenseNet 28", SOURCE, _stems((6, 6, 6, 5), (2.7, 2.7, 2.2))),
    Architecture("binary_densenet37", "BinaryDenseNet 37", SOURCE, _stems(*WIDE)),
    Architecture("binary_densenet37_dilated", "BinaryDenseNet 37, dilated", SOURCE, _stems(*WIDE, (1, 1, 2, 4))),
    Architecture("binary_densenet45", "BinaryDenseNet 45", SOURCE, _stems((6, 12, 14, 8), (2.7, 3.3, 4))),
)

"""QuickNet Small, QuickNet and QuickNet Large (Bannink et al. 2021, arXiv 2011.09398; larq zoo, sota/quicknet.py)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from neurobin.nets.ends import quant_conv, relu
from neurobin.nets.published._architecture import Architecture, Network, only
from neurobin.nets.quicknet import QuickBlocks, quick_stem
from neurobin.nets.resnet import ResNet, Stage
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.estimators import clipped
from neurobin.nn.weights.sign import SignWeights

CONV = quant_conv(SignWeights(clipped(1.25)), pad_value=1)
BLOCKS = QuickBlocks(ShortcutBlocks(CONV, partial(SignActivation, estimator=clipped(1.25)), between=relu))


def _net(filters: tuple[int, ...], blocks: tuple[int, ...]) -> Mapping[str, Network]:
    stages = tuple(Stage(f, b, 2 if n else 1) for n, (f, b) in enumerate(zip(filters, blocks, strict=True)))
    return only(ResNet(BLOCKS, stages, quick_stem, last=relu))


SOURCE = "arXiv 2011.09398; larq zoo, sota/quicknet.py"
BASE, FOUR = (64, 128, 256, 512), (4, 4, 4, 4)
NETS = (
    Architecture("quicknet_small", "QuickNet Small", SOURCE, _net((32, 64, 256, 512), FOUR)),
    Architecture("quicknet", "QuickNet", SOURCE, _net(BASE, FOUR)),
    Architecture("quicknet_large", "QuickNet Large", SOURCE, _net(BASE, (6, 8, 12, 6))),
)

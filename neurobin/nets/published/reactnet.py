"""ReActNet-A, -B and -C on MobileNet's plan (Liu et al. 2020, arXiv 2003.03488; liuzechun/ReActNet).

In B and C the two binary 1x1 convolutions of the five blocks that double the channels are one real convolution, in 4 groups
for B. Layers of B and C are read from the paper's description; only A's code is public.
"""

from __future__ import annotations

from functools import partial

from neurobin.nets import stems
from neurobin.nets.ends import Conv, quant_conv, real_conv
from neurobin.nets.published._architecture import Architecture, Network, only
from neurobin.nets.react import ReActBlocks
from neurobin.nets.react_wide import WideReActBlocks
from neurobin.nets.resnet import ResNet, Stage
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.weights.magnitude import MagnitudeAwareSign

CONV = quant_conv(MagnitudeAwareSign(scale_gradient=False))
STAGES = (Stage(64, 1, 1), Stage(128, 2, 2), Stage(256, 2, 2), Stage(512, 6, 2), Stage(1024, 2, 2))


def _net(widen: Conv | None = None) -> Network:
    blocks = ReActBlocks(CONV, RSign, RPReLU)
    return ResNet(blocks if widen is None else WideReActBlocks(blocks, widen), STAGES, stems.mobile, stem_width=32)


READ = "Read from the paper's description; the code is not public."
NETS = (
    Architecture("reactnet_a", "ReActNet-A", "arXiv 2003.03488; liuzechun/ReActNet", only(_net())),
    Architecture("reactnet_b", "ReActNet-B", "arXiv 2003.03488, sec. 5.1", only(_net(partial(real_conv, groups=4))),
                 notes=(READ,)),
    Architecture("reactnet_c", "ReActNet-C", "arXiv 2003.03488, sec. 5.1", only(_net(real_conv)), notes=(READ,)),
)  # fmt: skip

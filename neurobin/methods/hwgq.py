"""HWGQ-Net: binary weights, and 2-bit activations with the levels that suit half of a normal distribution."""

from __future__ import annotations

from functools import partial

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.norms import plain_norm2d
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.hwgq import HwgqActivation
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.clip_latent import ClipLatent

CONV = quant_conv(MagnitudeAwareSign())

METHOD = Method(
    name="hwgq",
    title="HWGQ-Net",
    paper="Deep Learning with Low Precision by Half-wave Gaussian Quantization",
    authors="Cai, He, Sun, Vasconcelos",
    venue="CVPR",
    year=2017,
    arxiv="1702.00953",
    weights="sign times mean |w| of the filter, the gradient reaches the scale",
    activations="4 levels 0, 0.538, 1.076, 1.614; gradient of a ReLU clipped at the top level",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, max pool, batch norm without factor and offset, half-wave Gaussian levels",),
    build=Vgg(hidden=CONV, activation=partial(HwgqActivation, bits=2), norm=plain_norm2d),
    recipe=Recipe(techniques=(ClipLatent(1.0),)),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, AlexNet, 1-bit W and 2-bit A", 52.7, "arXiv 1702.00953 (unverified)"),
        Published("ImageNet, ResNet-18, 1-bit W and 2-bit A", 59.6, "arXiv 1702.00953 (unverified)"),
    ),
    notes=("The first layer is trained with the 8-bit weights that it is deployed with.",),
)

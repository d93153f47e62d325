"""Two-step quantization: a network with sparse 2-bit activations first, then ternary weights fitted layer by layer."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv
from neurobin.nets.norms import plain_norm2d
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.sparse_hwgq import SparseHwgq
from neurobin.nn.weights.two_step import TwoStepTernary
from neurobin.recipes.techniques.fit_to_inputs import FitToInputs

CONV = quant_conv(TwoStepTernary())

METHOD = Method(
    name="tsq",
    title="TSQ",
    paper="Two-Step Quantization for Low-bit Neural Networks",
    authors="Wang, Hu, Zhang, Zhang, Liu, Cheng",
    venue="CVPR",
    year=2018,
    arxiv="",
    weights="ternary with a scale per filter, by coordinate descent on the error of the layer's sums",
    activations="0 up to a learned threshold, then 3 levels of the half-wave Gaussian quantizer (2 bits)",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, max pool, batch norm without factor and offset, sparse levels",),
    build=Vgg(hidden=CONV, activation=SparseHwgq, norm=plain_norm2d),
    recipe=Recipe(epochs_large=8, techniques=(FitToInputs(0.6, 0.8),)),
    precision=Precision(),
    literature_accuracy=(Published("ImageNet, AlexNet, 2-bit weights and activations", 58.0, "the paper (unverified)"),),
    notes=(
        "The second step minimises the error of the sums; the paper's goes through the quantizer of the next layer.",
        "Weights are real for 60 % of the training; until 80 % layers are fitted one by one, each on 64 images of a batch.",
        "Fitted weights stay, and the rest of the network goes on learning.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
    ),
)

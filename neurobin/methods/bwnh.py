"""Binary weight networks via hashing: signs chosen so that each layer computes nearly what its real weights would."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.ends import quant_conv, relu
from neurobin.nets.vgg import Order, Vgg
from neurobin.nn.weights.hashed import HashedSign
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.fit_to_inputs import FitToInputs

CONV = quant_conv(HashedSign())

METHOD = Method(
    name="bwnh",
    title="BWNH",
    paper="From Hashing to CNNs: Training Binary Weight Networks via Hashing",
    authors="Hu, Wang, Cheng",
    venue="AAAI",
    year=2018,
    arxiv="1802.02733",
    weights="sign with a scale per filter, by coordinate descent on the error of the layer's sums, then fine-tuned",
    activations="real, ReLU",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=Vgg(hidden=CONV, activation=relu, order=Order.POOL_LAST),
    recipe=Recipe(techniques=(FitToInputs(0.4, 0.6), ClipLatent(1.0))),
    precision=Precision(),
    literature_accuracy=(
        Published("ImageNet, ResNet-18", 64.3, "arXiv 1802.02733 (unverified)"),
        Published("ImageNet, AlexNet", 58.5, "arXiv 1802.02733 (unverified)"),
    ),
    notes=(
        "Weights are real for 40 % of the training; until 60 % layers are hashed one by one, each on 64 images of a batch.",
        "After hashing a layer's weights start from scale times sign and are trained as in BWN.",
        "The first layer is trained with the 8-bit weights that it is deployed with.",
    ),
)

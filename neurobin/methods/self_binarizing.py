"""Self-binarizing networks: tanh(nu x) for weights and activations, sharpened until it is the sign."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.ends import quant_conv, quant_linear
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.tanh_sign import TanhSign
from neurobin.nn.weights.tanh_sign import TanhSignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.positive_gamma import PositiveGamma

WEIGHTS = TanhSignWeights()
CONV = quant_conv(WEIGHTS)

METHOD = Method(
    name="self_binarizing",
    title="Self-Binarizing Networks",
    paper="Self-Binarizing Networks",
    authors="Lahoud, Achanta, Márquez-Neila, Süsstrunk",
    venue="arXiv preprint",
    year=2019,
    arxiv="1902.00730",
    weights="tanh(nu w) with nu growing from 1 to 1000, sign at the end; its true gradient",
    activations="tanh(nu x) with the same nu, sign at the end; its true gradient",
    first="binary weights on whole-number pixels",
    last="binary weights, batch norm to logits",
    blocks=("plain: conv, max pool, batch norm, tanh that becomes sign",),
    build=Vgg(hidden=CONV, activation=TanhSign, first=CONV, last=quant_linear(WEIGHTS), grouped=False),
    recipe=Recipe(epochs=100, lr=2e-2, schedule="exponential", mixed=False, techniques=(ClipLatent(1.0), PositiveGamma())),
    precision=Precision(),
    notes=(
        "nu grows by equal factors over the whole training, and the rate falls as fast; latent weights are clipped at 1.",
        "Computed in float32: in bfloat16 the gradients of a tanh this steep are noise from nu of about 30 on.",
        "Filters see all channels on small images too: with groups of 8 channels, what was learned is lost as nu grows.",
        "gamma stays positive, so that max pooling of sums deploys as an OR of bits; the paper keeps a sign per channel.",
    ),
)

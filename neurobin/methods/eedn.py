"""Eedn: convolutional networks laid out for neurosynaptic cores, with trinary weights and spikes."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.nets.eedn import Eedn
from neurobin.nets.ends import quant_conv
from neurobin.nets.norms import centred_norm2d
from neurobin.nn.activations.step import StepActivation
from neurobin.nn.weights.hysteresis import HysteresisTernary
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.spike_penalty import SpikePenalty

METHOD = Method(
    name="eedn",
    title="Eedn",
    paper="Convolutional Networks for Fast, Energy-Efficient Neuromorphic Computing",
    authors="Esser, Merolla, Arthur, Cassidy, Appuswamy, Andreopoulos, Berg, McKinstry, Melano, Barch, di Nolfo, Datta, "
    "Amir, Taba, Flickner, Modha",
    venue="PNAS",
    year=2016,
    arxiv="1603.08270",
    weights="-1, 0, +1 with hysteresis",
    activations="spikes 0 and 1, gradient a triangle around the threshold",
    first="transduction off the chip: 16 spiking filters with 8-bit weights on whole-number pixels",
    last="spikes counted per class",
    blocks=("nin_group: grouped conv of at most 128 inputs, batch norm without factor, step; 1x1 convs mix the groups",),
    build=Eedn(conv=quant_conv(HysteresisTernary()), spike=StepActivation, norm=centred_norm2d),
    recipe=Recipe(epochs=60, lr=1e-1, techniques=(ClipLatent(1.0), SpikePenalty(5e-4, StepActivation))),
    precision=Precision(),
    literature_accuracy=(
        Published("CIFAR-10, one chip", 83.41, "PNAS 113(41), table 3, via public transcriptions"),
        Published("SVHN, one chip", 96.66, "PNAS 113(41), table 3, via public transcriptions"),
        Published("CIFAR-10, several chips", 89.32, "arXiv 1603.08270, from memory, unverified"),
    ),
    notes=(
        "9 layers on cores with 128 to 512 filters; the paper's network for one chip has 14 with 252 to 2040 (unverified).",
        "Transduction: a learned filter bank on grey pixels; in the paper 12 binary channels from colours and differences.",
        "Adam with a rate of 0.1, as hidden weights must cross half of [-1, 1]; the paper uses momentum and a rate near 20.",
        "The last 1x1 layer has 500 filters, 50 per class and position; the spikes of a class are summed off the chip.",
    ),
)

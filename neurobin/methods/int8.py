"""The 8-bit baseline: trained as the real-valued one, quantized after training."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Published, Recipe
from neurobin.methods.full_precision import NETWORK

METHOD = Method(
    name="int8",
    title="INT8",
    paper="Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
    authors="Jacob, Kligys, Chen, Zhu, Tang, Howard, Adam, Kalenichenko",
    venue="CVPR",
    year=2018,
    arxiv="1712.05877",
    weights="real in training, 8 bits when deployed",
    activations="real in training, ReLU, 8 bits when deployed",
    first="8 bits",
    last="8 bits",
    blocks=("plain: conv, batch norm, ReLU, max pool",),
    build=NETWORK,
    recipe=Recipe(weight_decay=1e-4),
    precision=Precision(weight_bits=8, activation_bits=8, map_bits=8),
    literature_accuracy=(Published("ImageNet, ResNet-50", 74.9, "arXiv 1712.05877, table 4.1"),),
    notes=(
        "Quantized after training with calibrated ranges; the paper also trains with quantization.",
        "Trained exactly as full_precision: with one seed both have the same real weights.",
    ),
)

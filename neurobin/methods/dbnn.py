"""Distilled binary neural network: a binary perceptron that learns the answers of a real network."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.mlp import Mlp
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.distil import Distil

METHOD = Method(
    name="dbnn",
    title="DBNN",
    paper="Distilled Binary Neural Network for Monaural Speech Separation",
    authors="Chen, Liu, Shi, Xu, Xu",
    venue="IJCNN",
    year=2018,
    arxiv="",
    weights="sign, gradient clipped at 1",
    activations="sign, gradient clipped at 1",
    first="binary weights on whole-number pixels",
    last="binary weights, batch norm to logits",
    blocks=("perceptron: dense, batch norm, sign", "cross entropy plus distillation from a real network"),
    build=Mlp((256, 256, 256), SignWeights(), SignActivation),
    recipe=Recipe(epochs=100, lr=1e-2, techniques=(ClipLatent(1.0), Distil("full_precision", temperature=2.0))),
    precision=Precision(),
    notes=(
        "The paper separates speech; images are classified here. Temperature and share of distillation are ours.",
        "The teacher is the zoo's full-precision convolutional network, not a perceptron.",
    ),
)

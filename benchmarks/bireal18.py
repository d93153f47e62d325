"""Bi-Real Net 18 (Liu et al. 2018, arXiv 1808.00278, fig. 3b) at 224x224: its blocks, and random parameters for it.

    image -> conv 7x7 stride 2, BN, max pool 3x3 stride 2 -> 16 blocks -> global average pool -> dense 1000
    block: x -> sign -> binary conv 3x3 -> BN -> + shortcut(x)
    shortcut: x itself, or where the map is halved: average pool 2x2 -> real conv 1x1 -> BN

The scale per filter of the paper is left out: it folds into batch norm. Padding is 3, 1 and 1 on all sides, as in the
authors' code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.workloads import signs

Parameters = dict[str, np.ndarray]  # float32, names and shapes as in a PyTorch state dict
SIZE, CLASSES, STEM_WIDTH = 224, 1000, 64
NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class Block:
    """One binary convolution and its shortcut; with stride 2 the shortcut has a convolution of its own."""

    name: str
    inputs: int
    outputs: int
    stride: int


def _blocks() -> Iterator[Block]:
    inputs = STEM_WIDTH
    for stage, outputs in enumerate((64, 128, 256, 512), 1):
        for place in range(1, 5):
            yield Block(f"block{stage}_{place}", inputs, outputs, 2 if inputs != outputs else 1)
            inputs = outputs


BLOCKS = tuple(_blocks())


def random_image(seed: int = 0) -> np.ndarray:
    """float32 [1, 224, 224, 3], standard normal."""
    return np.random.default_rng(seed).standard_normal((1, SIZE, SIZE, 3), np.float32)


def random_parameters(seed: int = 0) -> Parameters:
    """Binary weights are +-1; statistics of the batch norms match the convolutions, so maps stay near unit variance."""
    rng = np.random.default_rng(seed)
    parameters: Parameters = {}

    def real(name: str, *shape: int) -> None:
        fan_in = int(np.prod(shape[1:]))
        parameters[f"{name}.weight"] = (rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32)

    def norm(name: str, channels: int, variance: float = 1.0) -> None:
        parameters[f"{name}.weight"] = rng.uniform(0.5, 1.5, channels).astype(np.float32)
        parameters[f"{name}.bias"] = rng.normal(0, 0.1, channels).astype(np.float32)
        parameters[f"{name}.running_mean"] = rng.normal(0, 0.1 * np.sqrt(variance), channels).astype(np.float32)
        parameters[f"{name}.running_var"] = (variance * rng.uniform(0.5, 1.5, channels)).astype(np.float32)

    real("stem.conv", STEM_WIDTH, 3, 7, 7)
    norm("stem.norm", STEM_WIDTH)
    for block in BLOCKS:
        shape = (block.outputs, block.inputs, 3, 3)
        parameters[f"{block.name}.conv.weight"] = signs(rng, shape).astype(np.float32)
        norm(f"{block.name}.norm", block.outputs, 9.0 * block.inputs)
        if block.stride > 1:
            real(f"{block.name}.shortcut.conv", block.outputs, block.inputs, 1, 1)
            norm(f"{block.name}.shortcut.norm", block.outputs)
    real("dense", CLASSES, BLOCKS[-1].outputs)
    parameters["dense.bias"] = rng.normal(0, 0.1, CLASSES).astype(np.float32)
    return parameters

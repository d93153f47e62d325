"""What integer deployment changed: how many codes of each quantizer flipped, and how near their thresholds they were.

This is the one approximate step on the way from a trained module to hardware, so it is measured, not bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.exec import reference
from neurobin.ir import Graph, Json
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.quantize import Quantize
from neurobin.ops.sign import Sign


@dataclass(frozen=True)
class Flips:
    """One quantizer on a batch: elements, how many codes differ, the real distance from its threshold of the farthest one.

    `spread` is the standard deviation of the quantizer's input: what `farthest` is small against.
    """

    node: str
    elements: int
    flipped: int
    farthest: float
    spread: float

    def to_dict(self) -> dict[str, Json]:
        return dict(vars(self))


def deviation(trained: Graph, deployed: Graph, images: np.ndarray) -> tuple[Flips, ...]:
    """The quantizers that both graphs name, in execution order; the first with `flipped` > 0 is where they part."""
    expected, actual = reference.run_all(trained, images), reference.run_all(deployed, images)
    return tuple(
        _flips(node.name, expected[node.inputs[0]], node.op, expected[node.name] != actual[node.name])
        for node in trained.nodes
        if isinstance(node.op, Sign | Quantize | MultiThreshold)
        and deployed.types.get(node.name) == trained.types[node.name]
    )


def _flips(name: str, values: np.ndarray, op: Sign | Quantize | MultiThreshold, wrong: np.ndarray) -> Flips:
    farthest = float(_distance(op, values)[wrong].max(initial=0.0))
    return Flips(name, wrong.size, int(wrong.sum()), farthest, float(values.std()))


def _distance(op: Sign | Quantize | MultiThreshold, values: np.ndarray) -> np.ndarray:
    """|x - nearest threshold|; a k-bit quantizer has them at (2 i - 1) / (2 (2^k - 1)), i = 1 ... 2^k - 1."""
    if isinstance(op, Sign):
        return np.abs(values - op.threshold.values)
    if isinstance(op, MultiThreshold):
        return np.abs(values[..., None] - op.thresholds.values).min(axis=-1)
    top = 2**op.bits - 1
    nearest = np.clip(np.floor(values * top), 0, top - 1) + 0.5
    return np.abs(values - nearest / top)

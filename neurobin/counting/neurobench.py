"""The metrics of NeuroBench (Yik et al. 2025, arXiv 2304.04640) under its own names, counted with the true number of bits.

    footprint             bytes of all parameters as stored: a binary weight is one bit (the harness counts 32)
    connection_sparsity   share of weights of convolutions and matrix products that are 0; a +-1 weight never is
    activation_sparsity   share of 0 among the outputs of rectifiers and quantizers, over the measured images
    synaptic_operations   per image: Dense, all products of weights with activations, taps on zero padding left out, as the
                          harness does; Effective_MACs and Effective_ACs, those with neither factor 0, in layers whose
                          activations are real, and in layers whose activations are all -1, 0 or +1

What depends on data is None unless images are given. Biases and scales are no synapses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.counting.convention import CONVENTIONS
from neurobin.counting.operands import QUANTIZERS, linear_nodes
from neurobin.counting.parameters import parameters
from neurobin.exec import reference
from neurobin.ir import Graph, Node
from neurobin.ops._linear import convolve, weight_window
from neurobin.ops._window import Window

ACTIVATIONS = ("relu", "prelu", "clip", *QUANTIZERS)
BATCH = 32


@dataclass(frozen=True)
class SynapticOperations:
    """Averages over the images."""

    effective_macs: float | None
    effective_acs: float | None
    dense: int


@dataclass(frozen=True)
class NeuroBench:
    """`images` is how many the data-dependent figures are means of; 0 and None where there were none."""

    footprint: float
    connection_sparsity: float
    activation_sparsity: float | None
    synaptic_operations: SynapticOperations
    images: int

    def to_dict(self) -> dict[str, object]:
        """The keys that the harness prints, and the number of images."""
        synaptic = self.synaptic_operations
        return {
            "footprint": self.footprint,
            "connection_sparsity": self.connection_sparsity,
            "activation_sparsity": self.activation_sparsity,
            "synaptic_operations": {
                "Effective_MACs": synaptic.effective_macs,
                "Effective_ACs": synaptic.effective_acs,
                "Dense": synaptic.dense,
            },
            "images": self.images,
        }


def neurobench(graph: Graph, images: np.ndarray | None = None) -> NeuroBench:
    """The metrics of a graph, on raw `images` [N, ...] where given."""
    nodes = linear_nodes(graph)
    weights = [node.op.constants()["weight"].values for node in nodes]
    dense = sum(_dense(node, graph.types[node.inputs[0]].shape) for node in nodes)
    activation_sparsity = macs = acs = None
    count = 0 if images is None else len(images)
    if images is not None and count:
        activation_sparsity, macs, acs = _measure(graph, images)
    return NeuroBench(
        footprint=parameters(graph, CONVENTIONS["larq_fused"]).bits / 8,
        connection_sparsity=sum(int((w == 0).sum()) for w in weights) / max(sum(w.size for w in weights), 1),
        activation_sparsity=activation_sparsity,
        synaptic_operations=SynapticOperations(macs, acs, dense),
        images=count,
    )


def _measure(graph: Graph, images: np.ndarray) -> tuple[float | None, float, float]:
    """(activation sparsity, effective MACs, effective ACs) as means over the images."""
    zeros = values = 0
    effective: dict[str, int] = {}
    spiking: dict[str, bool] = {}
    readers: dict[str, list[Node]] = {}
    for node in linear_nodes(graph):
        readers.setdefault(node.inputs[0], []).append(node)
    for start in range(0, len(images), BATCH):
        for name, value in reference.steps(graph, images[start : start + BATCH]):
            if name in graph.by_name and graph.by_name[name].op.name in ACTIVATIONS:
                zeros, values = zeros + int((value == 0).sum()), values + value.size
            for node in readers.get(name, []):
                effective[node.name] = effective.get(node.name, 0) + _products(node, (value != 0).astype(np.float64))
                spiking[node.name] = spiking.get(node.name, True) and bool(np.isin(value, (-1, 0, 1)).all())
    acs = sum(count for name, count in effective.items() if spiking[name]) / len(images)
    macs = sum(count for name, count in effective.items() if not spiking[name]) / len(images)
    return (zeros / values if values else None), macs, acs


def _dense(node: Node, shape: tuple[int, ...]) -> int:
    """All products of a layer on a map of `shape`, without taps on zero padding."""
    weight = node.op.constants()["weight"].values
    if weight.ndim == 2:
        return int(weight.size)
    window, _, pad_value = _geometry(node)
    taps = convolve(np.ones((1, *shape[:2], 1)), np.ones((1, *weight.shape[1:3], 1)), window, 1, 1 if pad_value else 0)
    return round(float(taps.sum())) * int(weight.size) // window.taps


def _products(node: Node, mask: np.ndarray) -> int:
    """Products whose activation is in `mask` [N, ...] and whose weight is not 0.

    Weights are summed over the filters of a group first: one filter per group then counts for all of them.
    """
    nonzero = (node.op.constants()["weight"].values != 0).astype(np.float64)
    if nonzero.ndim == 2:
        return round(float(mask.sum(0) @ nonzero.sum(0)))
    window, groups, pad_value = _geometry(node)
    shared = nonzero.reshape(groups, -1, *nonzero.shape[1:]).sum(1)
    return round(float(convolve(mask, shared, window, groups, 1 if pad_value else 0).sum()))


def _geometry(node: Node) -> tuple[Window, int, int]:
    op = node.op
    window = weight_window(op.constants()["weight"], op.stride, op.padding, op.dilation)  # type: ignore[attr-defined]
    return window, op.groups, op.pad_value  # type: ignore[attr-defined]

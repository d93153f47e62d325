"""Networks of Brevitas, exported by torch: the graph and the deployed graph say what Brevitas says."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("brevitas", reason="needs Brevitas: pip install brevitas")
pytest.importorskip("onnxruntime", reason="needs onnxruntime, with which the networks' other forms are made")

from torch.export import export

from neurobin.exec import packed, reference
from neurobin.frontend.torch_export import from_exported
from neurobin.ir import Graph
from neurobin.passes import lower
from tests.frontend.onnx.test_brevitas import LAYERS, LINEAR

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Brevitas' own, of what it imports
    from brevitas import nn as qnn

    from tests.frontend.onnx.brevitas import make

pytestmark = pytest.mark.filterwarnings("ignore")  # Brevitas' own, and torch's of it
CLOSE = 1e-4


class Residual(nn.Module):
    """As `make.Residual`, on plain tensors: what Brevitas asks of its own, whether scales are equal, cannot be exported."""

    def __init__(self) -> None:
        super().__init__()
        pixel = qnn.QuantIdentity(act_quant=make.PixelAct)
        self.first = nn.Sequential(make.Signed(), pixel, make.conv(3, 8, make.HalfWeight, padding=1), nn.BatchNorm2d(8))
        self.inner = nn.Sequential(make.sign(), make.conv(8, 8, make.HalfWeight, padding=1), nn.BatchNorm2d(8))
        self.four, self.five = (qnn.QuantIdentity(act_quant=make.Int8ActPerTensorFloat, bit_width=bits) for bits in (4, 5))
        self.last = nn.Sequential(nn.MaxPool2d(2), make.sign(), nn.Flatten(), make.dense(128, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.last(self.five(self.four(x) + self.four(self.inner(x))))


# With seeds that leave no two best scores equal, or nearer to each other than a deployed last layer's rounding.
SEEDS = {"mlp_1w1a": 1, "ternary": 3, "mixed_2_4": 4, "per_channel": 5, "depthwise": 6, "residual": 7}
NETWORKS = {name: make.NETWORKS[name] for name in SEEDS} | {"residual": (Residual, (3, 8, 8))}


@cache
def case(name: str) -> tuple[nn.Module, np.ndarray, Graph, Graph]:
    """(module, pixels, graph, deployed graph)"""
    build, shape = NETWORKS[name]
    net, pixels = make.drawn(build, SEEDS[name], shape)
    graph = from_exported(export(net, (torch.zeros(1, *shape),)))
    return net, pixels, graph, lower(graph, last(pixels))


def last(pixels: np.ndarray) -> np.ndarray:
    """Images as a graph takes them, channels last."""
    return (pixels.transpose(0, 2, 3, 1) if pixels.ndim == 4 else pixels).astype(np.int64)


@pytest.mark.parametrize("name", NETWORKS)
def test_graphs_say_what_brevitas_says(name):
    net, pixels, graph, deployed = case(name)
    wanted, images = make.values(net, pixels).numpy(), last(pixels)
    found, whole = reference.run(graph, images), reference.run(deployed, images)
    assert np.abs(found - wanted).max() <= CLOSE
    # of values that are equal but for rounding, which differs between CPUs, either is the largest
    for values in (found, whole):
        chosen = np.take_along_axis(wanted, values.argmax(1)[:, None], 1)[:, 0]
        assert (wanted.max(1) - chosen).max() <= CLOSE
    assert np.array_equal(packed.run(deployed, images), whole)


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_are_deployed_on_the_codes_of_brevitas(name):
    deployed = case(name)[-1]
    layers = [node for node in deployed.nodes if node.op.name in LINEAR]
    found = [f"{node.op.weight.dtype} x {deployed.types[node.inputs[0]].dtype}" for node in layers]
    assert ", ".join(found) == LAYERS[name]


@pytest.mark.parametrize(
    ("name", "factors"),
    [("mlp_1w1a", [1, 1, 1]), ("residual", [None, np.float32(0.3), 1])],
)
def test_binary_accumulators_are_those_of_brevitas(name, factors):
    """`factors`: what an accumulator is worth; None where its layer is not binary on both sides."""
    net, pixels, _, deployed = case(name)
    stated: list[np.ndarray] = []
    layers = [part for part in net.modules() if isinstance(part, qnn.QuantConv2d | qnn.QuantLinear)]
    hooks = [layer.register_forward_hook(lambda layer, _, result: stated.append(result.numpy())) for layer in layers]
    make.values(net, pixels)
    for hook in hooks:
        hook.remove()
    sums = dict(reference.steps(deployed, last(pixels)))
    nodes = [node.name for node in deployed.nodes if node.op.name in LINEAR]
    assert len(nodes) == len(stated) == len(factors)
    for node, values, factor in zip(nodes, stated, factors, strict=True):
        if factor is not None:
            values = values.transpose(0, 2, 3, 1) if values.ndim == 4 else values
            assert np.array_equal(np.rint(values / factor), sums[node])
            assert np.abs(values - np.rint(values / factor) * factor).max() <= (0 if factor == 1 else 1e-5)

"""Random networks, and networks of our own layers: torch, the graph of the program and the deployed graph.

    python -m tests.frontend.torch_export.test_networks 0 1000

judges so many of them, prints the seeds of those that differ or are refused, and counts all outcomes.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn
from torch.export import export

from neurobin.errors import NeurobinError
from neurobin.exec import packed, reference
from neurobin.frontend.images import Images
from neurobin.frontend.torch import from_torch
from neurobin.frontend.torch_export import from_exported
from neurobin.ir import TensorType
from neurobin.ir.dtype import u
from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.activations.pact import PactActivation
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.layers.xnor_conv import XnorConv2d
from neurobin.nn.weights.dorefa import DorefaWeights
from neurobin.nn.weights.fixed_point import FixedPointWeights
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.sign import SignWeights
from neurobin.nn.weights.ternary import TernaryWeights
from neurobin.passes import lower
from tests.frontend.torch_export.cases import CLOSE, graph_of, pixels, run, torch_says
from tests.frontend.torch_export.generate import network
from tests.near_ties import apart, unexplained

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # torch's own, of its own types


def judge(seed: int) -> str:
    """ "exact", "equal" or "near tie". Raises AssertionError where a difference is not one."""
    exact = seed % 3 > 0
    module, shape = network(seed, exact)
    graph = graph_of(export(module, (torch.zeros(1, *shape),)))
    images = pixels(shape, 6, seed)
    found, wanted = run(graph, images), torch_says(module, images)
    assert found.shape == wanted.shape
    whole = images.transpose(0, 2, 3, 1) if images.ndim == 4 else images
    deployed = lower(graph, whole)
    assert np.array_equal(packed.run(deployed, whole), reference.run(deployed, whole)), "the engines differ"
    if exact:
        assert np.array_equal(found, wanted), "the graph differs"
        return "exact"
    differs = apart(found, wanted, CLOSE)
    if not differs.any():
        return "equal"
    assert not unexplained(graph, whole, differs), f"differs by {np.abs(found - wanted).max()}"
    return "near tie"


@pytest.mark.parametrize("first", [0, 6])
def test_random_networks(first):
    outcomes = [judge(seed) for seed in range(first, first + 6)]
    assert outcomes.count("exact") == 4


# -- layers of our own: from_torch writes what they mean, exporting takes what they compute


OWN = {
    "1-bit": lambda: nn.Sequential(
        InputNorm(16), QuantConv2d(1, 8, 3, padding=1, weights=FixedPointWeights(8)), nn.BatchNorm2d(8), SignActivation(8),
        QuantConv2d(8, 8, 3, pad_value=1, padding=1, weights=SignWeights()), nn.BatchNorm2d(8), RSign(8),
        QuantConv2d(8, 16, 3, stride=2, weights=MagnitudeAwareSign()), RPReLU(16), SignActivation(16),
        nn.Flatten(), QuantLinear(256, 5, weights=TernaryWeights()),
    ),
    "2-bit": lambda: nn.Sequential(
        InputNorm(16), nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), DorefaActivation(6, bits=2),
        QuantConv2d(6, 8, 3, weights=DorefaWeights(2)), nn.BatchNorm2d(8), PactActivation(8, bits=3),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 5),
    ),
    "xnor": lambda: nn.Sequential(
        InputNorm(16), nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), XnorConv2d(6, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(8, 5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_layers_of_our_own_mean_the_same_as_they_write(name):
    torch.manual_seed(1)
    module = OWN[name]()
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                nn.init.normal_(part.weight)
                nn.init.normal_(part.running_mean)
    module = module.eval()
    written = from_torch(module, TensorType((9, 9, 1), u(4)))
    taken = from_exported(export(module, (torch.zeros(1, 1, 9, 9),)), Images(u(4), 1.0, 0.0))
    images = np.random.default_rng(0).integers(0, 16, (16, 9, 9, 1))
    wanted = reference.run(written, images)
    assert np.abs(reference.run(taken, images) - wanted).max() <= 1e-5 * np.abs(wanted).max()

    def layers(graph):
        return [str(node.op.weight.dtype) for node in graph.nodes if node.op.name in ("conv2d", "dense")]

    assert layers(taken) == layers(written)


def main(first: int, last: int) -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(first, last):
        try:
            outcomes[judge(seed)] += 1
        except (AssertionError, NeurobinError) as error:
            outcomes[type(error).__name__] += 1
            print(seed, str(error).partition("\n")[0][:200])
    print(dict(outcomes))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]), int(sys.argv[2]))

"""Every scheme of several bases and of fitted codes in a layer: evaluation, emitted graph, deployed integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neurobin.exec import packed, reference
from neurobin.frontend.torch import from_torch
from neurobin.ir import FLOAT64, Builder, TensorType
from neurobin.ir.dtype import u
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.layers.circulant_conv import CirculantConv2d
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.greedy_bases import GreedyBases
from neurobin.nn.weights.hashed import HashedSign
from neurobin.nn.weights.learned_bases import LearnedBases
from neurobin.nn.weights.least_squares_bases import LeastSquaresBases, LeastSquaresTernary
from neurobin.nn.weights.power_of_two import PowerOfTwo
from neurobin.nn.weights.quantizer import WeightScheme, total
from neurobin.nn.weights.shifted_bases import ShiftedBases
from neurobin.nn.weights.two_step import TwoStepTernary
from neurobin.passes import lower

SCHEMES: list[WeightScheme] = [
    ShiftedBases(3),
    GreedyBases(2),
    LeastSquaresBases(),
    LeastSquaresTernary(),
    LearnedBases(2),
    PowerOfTwo(5),
    PowerOfTwo(2),
    HashedSign(),
    TwoStepTernary(),
]


def fit(module: nn.Module, seed: int) -> None:
    """As after some training: scales moved, groups frozen, codes fitted to correlated inputs."""
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if not isinstance(layer, QuantConv2d | QuantLinear):
            continue
        layer.weight.data = torch.randn(layer.weight.shape, generator=generator)
        if hasattr(layer.quantizer, "fit"):
            groups, n = getattr(layer, "groups", 1), layer.weight[0].numel()
            x = torch.randn(groups, n, n, generator=generator)
            layer.quantizer.fit(layer.weight, x @ x.transpose(1, 2))
        else:
            layer.train().quantizer(layer.weight, 0.5)


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), groups=st.sampled_from([1, 2]), channels_last=st.booleans())
def test_value_at_the_end_of_training_is_the_sum_of_the_terms(
    scheme: WeightScheme, seed: int, groups: int, channels_last: bool
) -> None:
    layer = QuantConv2d(4, 6, 3, groups=groups, weights=scheme)
    if channels_last:
        layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit(layer, seed)
    assert torch.equal(layer.quantizer(layer.weight, 1.0), total(layer.quantizer.terms(layer.weight)))
    for term in layer.quantizer.terms(layer.weight):
        assert term.dtype.holds(term.codes.detach().numpy().astype(int))
        assert term.scale.shape in ((6,), (1,))


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), groups=st.sampled_from([1, 2]), stride=st.integers(1, 2))
def test_the_emitted_graph_computes_what_the_layer_does(scheme: WeightScheme, seed: int, groups: int, stride: int) -> None:
    conv = QuantConv2d(4, 6, 3, stride=stride, padding=1, groups=groups, weights=scheme)
    dense = QuantLinear(10, 3, weights=scheme)
    for layer, shape in [(conv, (2, 4, 5, 6)), (dense, (3, 10))]:
        fit(layer, seed)
        agree(layer, np.random.default_rng(seed).normal(size=shape))


def test_the_graph_of_circulant_filters() -> None:
    layer = CirculantConv2d(4, 16, 3, stride=2, padding=1, groups=2)
    agree(layer, np.random.default_rng(0).normal(size=(2, 4, 5, 5)))


def agree(layer: Any, x: np.ndarray) -> None:
    """x [N, C, ...] through the layer in float64 and, channels last, through the emitted graph."""
    layer = layer.double().eval()
    b = Builder({"x": TensorType((*x.shape[2:], x.shape[1]), FLOAT64)})
    graph = b.graph(layer.emit(b, "x"))
    with torch.no_grad():
        expected = np.moveaxis(layer(torch.from_numpy(x)).numpy(), 1, -1)
    assert np.abs(reference.run(graph, np.moveaxis(x, 1, -1)) - expected).max() <= 1e-9


@pytest.mark.parametrize("binary", [True, False], ids=["binary activations", "real activations"])
@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_deployed_integers(scheme: WeightScheme, binary: bool) -> None:
    """Lowered to integers, the packed engine computes them bit for bit, and scores stay near the real ones."""
    torch.manual_seed(0)

    def activation(channels: int) -> nn.Module:
        return SignActivation(channels) if binary else nn.ReLU()

    module = nn.Sequential(
        QuantConv2d(2, 8, 3, padding=1, weights=scheme),
        nn.BatchNorm2d(8),
        activation(8),
        QuantConv2d(8, 8, 3, padding=1, groups=2, weights=scheme),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(8),
        activation(8),
        nn.Flatten(),
        QuantLinear(8 * 3 * 3, 4, weights=scheme),
        nn.BatchNorm1d(4),
    )
    images = np.random.default_rng(1).integers(0, 16, (64, 6, 6, 2))
    fit(module, 2)
    module.train()
    with torch.no_grad():
        for _ in range(20):  # batch norms settle
            module(torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32)))
    graph = from_torch(module, TensorType((6, 6, 2), u(4)))
    real = reference.run(graph, images)
    deployed = lower(graph, images)
    scores = reference.run(deployed, images)
    assert deployed.is_deployed
    assert np.array_equal(packed.run(deployed, images), scores)
    scaled = scores * deployed.meta["scales"][deployed.output]  # type: ignore[index, call-overload]
    away = np.abs(scaled - real).reshape(64, -1).max(1)
    assert np.median(away) <= 0.03 * np.abs(real).max()  # rounding to 8 and 16 bits; now and then it turns a sign

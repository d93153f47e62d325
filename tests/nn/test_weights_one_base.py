"""What holds for every weight scheme: values are terms, terms are integers of their type, and deployment keeps them.

The networks have channels around the sizes of machine words, where packing could go wrong.
"""

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
from neurobin.ir import BIPOLAR, FLOAT64, Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.nn.activations.hardtanh import Hardtanh
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.annealed import EDE
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.after import After
from neurobin.nn.weights.balanced import BalancedSign
from neurobin.nn.weights.group_share import GroupShare
from neurobin.nn.weights.hysteresis import HysteresisTernary
from neurobin.nn.weights.lab import LossAwareSign
from neurobin.nn.weights.layer_sign import LayerSign
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.quantizer import total
from neurobin.nn.weights.sawb import SawbWeights
from neurobin.nn.weights.tanh_sign import TanhSignWeights
from neurobin.nn.weights.ternary import TernaryWeights
from neurobin.nn.weights.ttq import TrainedTernary
from neurobin.nn.weights.uniform import UniformWeights
from neurobin.nn.weights.wrpn import WrpnWeights
from neurobin.passes import lower
from tests.nn.quantizers import bound
from tests.nn.test_emit import check, normal

SCHEMES: list[Any] = [
    BalancedSign(),
    BalancedSign(EDE),
    LayerSign(),
    WrpnWeights(2),
    WrpnWeights(4),
    TrainedTernary(0.3),
    HysteresisTernary(),
    TanhSignWeights(),
    LossAwareSign(),
    SawbWeights(2),
    SawbWeights(4),
    UniformWeights(1),
    UniformWeights(2),
    UniformWeights(3, soft=True),
    UniformWeights(2, symmetric=True),
    After(0.5, MagnitudeAwareSign()),
    After(0.5, TrainedTernary(0.3)),
    GroupShare(TernaryWeights()),
]
every_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
SIZE = 6


@every_scheme
@settings(max_examples=40, deadline=None)
@given(
    outputs=st.integers(1, 5), inputs=st.integers(1, 4), kernel=st.sampled_from([0, 2, 3]), seed=st.integers(0, 999),
    spread=st.sampled_from([0.01, 0.5, 3.0]), ties=st.booleans(),
)  # fmt: skip
def test_the_value_at_the_end_is_the_sum_of_the_terms(
    scheme: Any, outputs: int, inputs: int, kernel: int, seed: int, spread: float, ties: bool
) -> None:
    shape = (outputs, inputs, kernel, kernel) if kernel else (outputs, inputs + 1)
    weight = np.random.default_rng(seed).normal(size=shape) * spread
    quantizer, parameter = bound(scheme, np.rint(weight * 4) / 4 if ties else weight)
    value = quantizer(parameter, 1.0)
    terms = quantizer.terms(parameter)
    assert torch.equal(value, total(terms))
    for term in terms:
        codes, scale = term.constants()  # raises unless the type holds every code
        assert codes.dtype == term.dtype
        assert len(scale.values) in (1, outputs)
    value.backward(torch.ones_like(value))  # type: ignore[no-untyped-call]
    assert parameter.grad is not None
    assert torch.isfinite(parameter.grad).all()


@every_scheme
@pytest.mark.parametrize("progress", [0.0, 0.5, 0.99])
def test_every_progress_gives_finite_values_and_gradients_in_single_precision(scheme: Any, progress: float) -> None:
    torch.manual_seed(0)
    layer = QuantLinear(33, 7, weights=scheme)
    value = layer.quantizer(layer.weight, progress)
    assert value.dtype == torch.float32
    value.square().sum().backward()  # type: ignore[no-untyped-call]
    assert layer.weight.grad is not None
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in layer.parameters())


@every_scheme
def test_a_layer_of_zeros_stays_finite(scheme: Any) -> None:
    quantizer, weight = bound(scheme, np.zeros((3, 4)))
    value = quantizer(weight)
    value.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(value).all()
    assert torch.isfinite(weight.grad).all()
    assert torch.equal(value, total(quantizer.terms(weight)))


@every_scheme
def test_emitted_layers_are_the_layers(scheme: Any) -> None:
    torch.manual_seed(0)
    conv = QuantConv2d(6, 8, 3, stride=2, padding=1, pad_value=-1, groups=2, weights=scheme)
    check(conv, np.where(normal(2, 6, 5, 7) >= 0, 1, -1), BIPOLAR)
    check(conv, normal(2, 6, 5, 7), FLOAT64)
    check(QuantLinear(33, 9, weights=scheme), normal(4, 33), FLOAT64)


@every_scheme
def test_training_and_evaluation_agree_at_the_end(scheme: Any) -> None:
    torch.manual_seed(0)
    layer = QuantConv2d(4, 8, 3, padding=1, groups=2, weights=scheme).double()
    x = torch.from_numpy(normal(2, 4, 5, 5))
    assert torch.allclose(layer.train()(x), layer.eval()(x), atol=1e-12)


def network(scheme: Any, channels: int, activation: Any) -> nn.Module:
    """conv, norm, activation, conv, norm, activation, dense, norm, with statistics of its own random images."""
    torch.manual_seed(channels)
    module = nn.Sequential(
        InputNorm(8),
        QuantConv2d(1, channels, 3, padding=1, weights=scheme),
        nn.BatchNorm2d(channels),
        activation(channels),
        QuantConv2d(channels, channels + 1, 3, stride=2, padding=1, weights=scheme),
        nn.MaxPool2d(3),
        nn.BatchNorm2d(channels + 1),
        activation(channels + 1),
        nn.Flatten(),
        QuantLinear(channels + 1, 5, weights=scheme),
        nn.BatchNorm1d(5),
    )
    module.train()
    for _ in range(30):
        module(torch.from_numpy(images(64)).permute(0, 3, 1, 2).float())
    return module.eval()


def images(count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 17, (count, SIZE, SIZE, 1))


def lowered(module: nn.Module) -> tuple[Graph, np.ndarray]:
    """The deployed graph, and the module's own answers for 64 images."""
    graph = lower(from_torch(module, TensorType((SIZE, SIZE, 1), u(5))), images(64))
    with torch.no_grad():
        return graph, module(torch.from_numpy(images(64)).permute(0, 3, 1, 2).float()).numpy()


@every_scheme
@pytest.mark.parametrize("channels", [31, 32, 63, 64])
def test_deployed_networks_compute_the_same_in_both_engines(scheme: Any, channels: int) -> None:
    graph, expected = lowered(network(scheme, channels, SignActivation))
    outputs = reference.run(graph, images(64))
    assert np.array_equal(packed.run(graph, images(64)), outputs)
    assert (outputs.argmax(1) == expected.argmax(1)).mean() > 0.9  # ties and 16-bit sums of several terms may differ


@every_scheme
def test_with_real_activations_as_well(scheme: Any) -> None:
    graph, expected = lowered(network(scheme, 33, lambda channels: nn.ReLU()))
    outputs = reference.run(graph, images(64))
    assert np.array_equal(packed.run(graph, images(64)), outputs)
    real = outputs * graph.meta["scales"][graph.output]
    assert np.abs(real - expected).max() < 0.05 * np.abs(expected).max()


def test_one_base_folds_exactly() -> None:
    """Signs between binary layers with one scale per filter: nothing is rounded, so every logit is the module's."""
    graph, expected = lowered(network(BalancedSign(EDE), 65, SignActivation))
    real = reference.run(graph, images(64)) * graph.meta["scales"][graph.output]
    assert np.abs(real - expected).max() < 1e-3 * np.abs(expected).max()


def test_two_scales_are_two_convolutions() -> None:
    graph = from_torch(QuantConv2d(4, 8, 3, weights=TrainedTernary()), TensorType((SIZE, SIZE, 4), BIPOLAR))
    assert [node.op.name for node in graph.nodes] == ["conv2d", "conv2d", "add"]


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 4, 2)])
def test_hardtanh(shape: tuple[int, ...]) -> None:
    check(Hardtanh(5), normal(*shape), FLOAT64)
    assert Hardtanh(1)(torch.tensor([[-3.0, -1.0, 0.25, 1.0, 2.0]])).tolist() == [[-1, -1, 0.25, 1, 1]]

"""What a layer emits, run by the reference engine, is what the layer computes in evaluation mode."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neurobin.errors import GraphError, UsageError
from neurobin.exec import reference
from neurobin.ir import BIPOLAR, FLOAT64, Builder, DType, TensorType
from neurobin.ir.dtype import u
from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.emit import affine, real
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.layers.xnor_conv import XnorConv2d
from neurobin.nn.weights.dorefa import DorefaWeights
from neurobin.nn.weights.fixed_point import FixedPointWeights
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.real import RealWeights
from neurobin.nn.weights.sign import SignWeights
from neurobin.nn.weights.ternary import TernaryWeights

QUANTIZERS = [
    RealWeights(),
    SignWeights(),
    MagnitudeAwareSign(),
    TernaryWeights(),
    DorefaWeights(2),
    DorefaWeights(3),
    FixedPointWeights(8),
]


def check(layer: Any, x: np.ndarray, dtype: DType) -> None:
    """x [N, C, ...] through the layer in float64 and, channels last, through the emitted graph."""
    layer = layer.double().eval()
    b = Builder({"x": TensorType((*x.shape[2:], x.shape[1]), dtype)})
    graph = b.graph(layer.emit(b, "x"))
    with torch.no_grad():
        expected = np.moveaxis(layer(torch.from_numpy(x.astype(np.float64))).numpy(), 1, -1)
    actual = reference.run(graph, np.moveaxis(x, 1, -1))
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= 1e-9


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Random values in which zeros and ties occur."""
    return np.rint(np.random.default_rng(seed).normal(size=shape) * 8) / 8


def randomise(layer: nn.Module, seed: int = 3) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)


@pytest.mark.parametrize("quantizer", QUANTIZERS, ids=repr)
@settings(max_examples=20, deadline=None)
@given(
    kernel=st.integers(1, 3), stride=st.integers(1, 3), padding=st.integers(0, 2), pad_value=st.sampled_from([-1, 0, 1]),
    dilation=st.integers(1, 2), groups=st.sampled_from([1, 2, 3]), seed=st.integers(0, 99),
)  # fmt: skip
def test_conv(
    quantizer: Any, kernel: int, stride: int, padding: int, pad_value: int, dilation: int, groups: int, seed: int
) -> None:
    layer = QuantConv2d(
        6, 12, kernel, stride=stride, padding=padding, pad_value=pad_value, dilation=dilation, groups=groups,
        weights=quantizer,
    )  # fmt: skip
    randomise(layer, seed)
    check(layer, np.where(normal(2, 6, 5, 7, seed=seed) >= 0, 1, -1), BIPOLAR)
    check(layer, normal(2, 6, 5, 7, seed=seed), FLOAT64)


@pytest.mark.parametrize("quantizer", QUANTIZERS, ids=repr)
def test_linear(quantizer: Any) -> None:
    layer = QuantLinear(70, 9, weights=quantizer)
    randomise(layer)
    check(layer, normal(4, 70), FLOAT64)


@pytest.mark.parametrize(
    "layer", [SignActivation(5), RSign(5), RPReLU(5), DorefaActivation(5, 1), DorefaActivation(5, 3)], ids=repr
)
@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 4, 2)])
def test_activations(layer: nn.Module, shape: tuple[int, ...]) -> None:
    randomise(layer)
    check(layer, normal(*shape), FLOAT64)


@settings(max_examples=20, deadline=None)
@given(
    kernel=st.integers(1, 3), stride=st.integers(1, 2), groups=st.sampled_from([1, 2, 4]), padded=st.booleans(),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_xnor_conv(kernel: int, stride: int, groups: int, padded: bool, seed: int) -> None:
    layer = XnorConv2d(8, 4, kernel, stride=stride, padding=kernel // 2 if padded else 0, groups=groups)
    randomise(layer, seed)
    check(layer, normal(2, 8, 6, 5, seed=seed), FLOAT64)


def test_xnor_conv_is_the_papers_formula() -> None:
    layer = XnorConv2d(3, 2, 3, padding=1).double().eval()
    x, w = normal(1, 3, 4, 4), layer.conv.weight.detach().numpy()
    magnitude = np.pad(np.abs(x).mean(1), ((0, 0), (1, 1), (1, 1)))
    signs = np.pad(np.where(x >= 0, 1, -1), ((0, 0), (0, 0), (1, 1), (1, 1)))
    actual = layer(torch.from_numpy(x)).detach().numpy()
    for o, row, column in np.ndindex(2, 4, 4):
        k = magnitude[0, row : row + 3, column : column + 3].sum() / 9
        dot = (signs[0, :, row : row + 3, column : column + 3] * np.where(w[o] >= 0, 1, -1)).sum()
        assert actual[0, o, row, column] == pytest.approx(dot * k * np.abs(w[o]).mean(), abs=1e-12)


def test_real_parameters_are_constants_with_an_axis() -> None:
    learned = nn.Parameter(torch.tensor(0.1))
    for values, expected in ((0.5, [0.5]), (learned, [float(np.float32(0.1))]), (np.zeros((1, 2)), [[0, 0]])):
        constant = real(values)
        assert constant.dtype == FLOAT64
        assert constant.values.tolist() == expected
    op = affine(bias=torch.tensor([1.0, 2.0]))
    assert (op.scale.values.tolist(), op.bias.values.tolist()) == ([1], [1, 2])
    with pytest.raises(GraphError, match=r"constant holds nan at index \(1,\)"):
        real(torch.tensor([0.0, math.nan]))


@pytest.mark.parametrize(("levels", "centre"), [(2, 1), (3, 1), (16, 8), (17, 8), (18, 16), (256, 128)])
def test_input_norm(levels: int, centre: int) -> None:
    layer = InputNorm.for_levels(levels)
    assert layer.centre == centre
    x = np.arange(levels).reshape(1, 1, 1, levels)
    assert (layer(torch.from_numpy(x)).numpy() == (x - centre) / centre).all()
    check(layer, x, u(9))


def test_training_and_evaluation_agree() -> None:
    layer = QuantConv2d(4, 8, 3, padding=1, groups=2, weights=MagnitudeAwareSign()).double()
    x = torch.from_numpy(normal(2, 4, 5, 5))
    assert torch.allclose(layer.train()(x), layer.eval()(x), atol=1e-12)


def test_bad_layers_are_refused() -> None:
    with pytest.raises(UsageError, match="groups=4 must divide both 6 input"):
        QuantConv2d(6, 8, 3, groups=4)
    with pytest.raises(UsageError, match="pad_value"):
        QuantConv2d(4, 4, 3, pad_value=2)
    with pytest.raises(UsageError, match="power of two"):
        InputNorm(10)
    with pytest.raises(UsageError, match="at least 2 levels"):
        InputNorm.for_levels(1)

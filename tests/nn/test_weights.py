"""Weight quantizers against the formulas of their papers, written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from neurobin.errors import GraphError, UsageError
from neurobin.ir import BIPOLAR, FLOAT32, TERNARY, DType, Encoding
from neurobin.nn.estimators import STRAIGHT_THROUGH
from neurobin.nn.steps import sign
from neurobin.nn.weights.dorefa import DorefaWeights
from neurobin.nn.weights.fixed_point import FixedPointWeights
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.quantizer import WeightQuantizer
from neurobin.nn.weights.real import RealWeights
from neurobin.nn.weights.sign import SignWeights
from neurobin.nn.weights.ternary import TernaryWeights

WEIGHT = np.array([[0.0, -0.5, 1.5, 0.25], [-0.25, 0.75, -2.0, 1.0], [0.5, 0.5, -0.5, -0.5]])
GRADIENT = np.array([[1.0, 2.0, 3.0, -4.0], [0.5, -1.0, 2.0, 1.0], [1.0, 1.0, 1.0, 2.0]])
ALL: list[WeightQuantizer] = [
    RealWeights(),
    SignWeights(),
    MagnitudeAwareSign(),
    MagnitudeAwareSign(scale_gradient=False),
    TernaryWeights(),
    DorefaWeights(2),
    DorefaWeights(4),
    FixedPointWeights(8),
]


def gradient(quantizer: WeightQuantizer, weight: np.ndarray = WEIGHT) -> np.ndarray:
    """dL/dw for dL/dq = GRADIENT."""
    w = torch.from_numpy(weight).requires_grad_()
    quantizer(w).backward(torch.from_numpy(GRADIENT))  # type: ignore[no-untyped-call]
    assert w.grad is not None
    return w.grad.numpy()


def values(quantizer: WeightQuantizer) -> np.ndarray:
    return quantizer(torch.from_numpy(WEIGHT)).numpy()


def test_sign_of_zero_is_plus_one() -> None:
    assert sign(torch.tensor([-0.0, 0.0, -1e-30, 3.0])).tolist() == [1, 1, -1, 1]


def test_sign_weights() -> None:
    signs = [[1, -1, 1, 1], [-1, 1, -1, 1], [1, 1, -1, -1]]
    assert values(SignWeights()).tolist() == signs
    assert (gradient(SignWeights()) == GRADIENT * (np.abs(WEIGHT) <= 1)).all()
    assert (gradient(SignWeights(STRAIGHT_THROUGH)) == GRADIENT).all()
    codes = SignWeights().terms(torch.from_numpy(WEIGHT))[0]
    assert codes.dtype == BIPOLAR
    assert codes.scale.tolist() == [1]


def test_stochastic_sign_draws_with_the_hard_sigmoid() -> None:
    torch.manual_seed(0)
    weight = torch.tensor([[-1.5, -0.5, 0.0, 0.5, 1.5]]).repeat(4000, 1)
    assert (SignWeights(stochastic=True)(weight) == sign(weight)).all()  # at the end of training, and at inference
    drawn = SignWeights(stochastic=True)(weight, progress=0.5)
    assert set(drawn.unique().tolist()) == {-1, 1}
    share = (drawn > 0).float().mean(0).numpy()
    assert share[[0, 4]].tolist() == [0, 1]
    assert np.abs(share[1:4] - [0.25, 0.5, 0.75]).max() < 0.03
    assert (SignWeights(stochastic=True).terms(weight)[0].codes == sign(weight)).all()


def test_magnitude_aware_sign() -> None:
    alpha = np.array([2.25 / 4, 1.0, 0.5])[:, None]
    signs = np.where(WEIGHT >= 0, 1.0, -1.0)
    assert (values(MagnitudeAwareSign()) == alpha * signs).all()
    inside = GRADIENT * alpha * (np.abs(WEIGHT) <= 1)
    assert np.allclose(gradient(MagnitudeAwareSign(scale_gradient=False)), inside, atol=1e-15)
    through_scale = np.sign(WEIGHT) / 4 * (GRADIENT * signs).sum(1, keepdims=True)
    assert np.allclose(gradient(MagnitudeAwareSign()), inside + through_scale, atol=1e-15)


def test_magnitude_aware_scale_is_the_least_squares_one() -> None:
    codes = MagnitudeAwareSign().terms(torch.from_numpy(WEIGHT))[0]
    for row, code, alpha in zip(WEIGHT, codes.codes.numpy(), codes.scale.numpy(), strict=True):
        errors = [((row - a * code) ** 2).sum() for a in (alpha - 1e-3, alpha, alpha + 1e-3)]
        assert min(errors) == errors[1]


def test_ternary() -> None:
    delta = 0.7 * np.abs(WEIGHT).mean()
    assert 0.25 < delta < 0.5
    kept = np.abs(WEIGHT) > delta
    alpha = np.abs(WEIGHT[kept]).mean()
    assert np.allclose(values(TernaryWeights()), alpha * np.sign(WEIGHT) * kept, atol=1e-15)
    assert (gradient(TernaryWeights()) == GRADIENT * (np.abs(WEIGHT) <= 1)).all()
    codes = TernaryWeights().terms(torch.from_numpy(WEIGHT))[0]
    assert codes.dtype == TERNARY
    assert codes.codes.tolist() == [[0, -1, 1, 0], [0, 1, -1, 1], [1, 1, -1, -1]]
    assert codes.scale.item() == pytest.approx(alpha, abs=1e-15)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_dorefa(bits: int) -> None:
    steps = 2**bits - 1
    tanh = np.tanh(WEIGHT)
    largest = np.abs(tanh).max()
    expected = 2 * np.rint(steps * (tanh / (2 * largest) + 0.5)) / steps - 1
    assert np.allclose(values(DorefaWeights(bits)), expected, atol=1e-15)
    codes = DorefaWeights(bits).terms(torch.from_numpy(WEIGHT))[0]
    assert codes.dtype == DType(Encoding.BIPOLAR, bits)
    assert codes.dtype.holds(codes.codes.numpy().astype(int))
    # q ~ tanh(w) / M, M = |tanh(w_m)|: dq_i/dw_i = (1 - t_i^2) / M, and the largest weight m also moves M
    slope = GRADIENT * (1 - tanh**2) / largest
    m = np.unravel_index(np.abs(tanh).argmax(), tanh.shape)
    slope[m] -= (GRADIENT * tanh).sum() / largest**2 * np.sign(tanh[m]) * (1 - tanh[m] ** 2)
    assert np.allclose(gradient(DorefaWeights(bits)), slope, atol=1e-14)


def test_dorefa_two_bits_by_hand() -> None:
    weight = torch.atanh(torch.tensor([[-0.9, -0.61, -0.59, 0.1, 0.59, 0.61]], dtype=torch.float64))
    codes = DorefaWeights(2).terms(weight)[0]  # thresholds at -0.6, 0 and 0.6, two thirds of the largest
    assert codes.codes.tolist() == [[-3, -3, -1, 1, 1, 3]]
    assert codes.scale.item() == pytest.approx(1 / 3)


def test_fixed_point() -> None:
    codes = FixedPointWeights(4).terms(torch.from_numpy(WEIGHT))[0]  # scales 1.5/7, 2/7, 0.5/7
    assert codes.codes.tolist() == [[0, -2, 7, 1], [-1, 3, -7, 4], [7, 7, -7, -7]]
    assert np.allclose(codes.scale.numpy(), np.array([1.5, 2, 0.5]) / 7, atol=1e-15)
    assert codes.dtype == DType(Encoding.SIGNED, 4)
    assert (gradient(FixedPointWeights(4)) == GRADIENT).all()
    with pytest.raises(UsageError, match="2 to 16 bits"):
        FixedPointWeights(1)


def test_real() -> None:
    assert (values(RealWeights()) == WEIGHT).all()
    assert (gradient(RealWeights()) == GRADIENT).all()
    assert RealWeights().terms(torch.from_numpy(WEIGHT))[0].dtype == FLOAT32


@pytest.mark.parametrize("quantizer", ALL, ids=repr)
def test_training_value_equals_codes_times_scale(quantizer: WeightQuantizer) -> None:
    weight = torch.randn(6, 5, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    quantized = quantizer.terms(weight)[0]
    assert torch.allclose(quantizer(weight), quantized.values, atol=1e-15)
    codes, scale = quantized.constants()
    assert codes.shape == (6, 3, 3, 5)
    assert (codes.values[4, 2, 1] == quantized.codes[4, :, 2, 1].numpy()).all()
    assert len(scale.values) in (1, 6)


@pytest.mark.parametrize("quantizer", ALL[1:], ids=repr)
def test_a_layer_of_zeros_stays_finite(quantizer: WeightQuantizer) -> None:
    weight = torch.zeros(2, 3, requires_grad=True)
    result = quantizer(weight)
    result.sum().backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(result).all()
    assert isinstance(weight.grad, Tensor)
    assert torch.isfinite(weight.grad).all()


def test_nan_weights_do_not_reach_a_graph() -> None:
    with pytest.raises(GraphError, match="nan"):
        MagnitudeAwareSign().terms(torch.tensor([[float("nan"), 1.0]]))[0].constants()


def test_dorefa_refuses_one_bit() -> None:
    with pytest.raises(UsageError, match="2 to 8 bits"):
        DorefaWeights(1)

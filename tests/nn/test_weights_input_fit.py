"""Weights fitted to their inputs: the error by brute force, the quantizers' states, and the technique that fits them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR, TERNARY
from neurobin.nn.input_fit import Nearest, fit_codes, nearest_sign, nearest_ternary
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.steps import sign
from neurobin.nn.weights.hashed import HashedSign
from neurobin.nn.weights.least_squares_bases import LeastSquaresTernary
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.quantizer import total
from neurobin.nn.weights.sign import SignWeights
from neurobin.nn.weights.two_step import TwoStepTernary
from neurobin.recipes.techniques import Context
from neurobin.recipes.techniques.fit_to_inputs import FitToInputs, second_moment

ALPHABETS: list[tuple[Nearest, list[float]]] = [(nearest_sign, [-1.0, 1.0]), (nearest_ternary, [-1.0, 0.0, 1.0])]
SCHEMES = [HashedSign(), TwoStepTernary()]


def problem(seed: int, filters: int = 3, n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Weights [O, n] and the second moment [n, n] of strongly correlated inputs."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n)) @ rng.normal(size=(n, 40))
    return rng.normal(size=(filters, n)), x @ x.T / 40


def error(w: np.ndarray, s: np.ndarray, codes: np.ndarray, alpha: float) -> float:
    rest = w - alpha * codes
    return float(rest @ s @ rest)


@pytest.mark.parametrize(("nearest", "alphabet"), ALPHABETS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999))
def test_no_single_code_and_no_other_scale_is_better(nearest: Nearest, alphabet: list[float], seed: int) -> None:
    weight, s = problem(seed)
    start = np.where(weight >= 0, 1.0, -1.0)
    fit = fit_codes(torch.from_numpy(weight), torch.from_numpy(s[None]), torch.from_numpy(start), nearest, 50)
    assert (fit.alpha >= 0).all()
    for w, codes, alpha, first in zip(weight, fit.codes.numpy(), fit.alpha.tolist(), start, strict=True):
        reached = error(w, s, codes, alpha)
        assert set(codes) <= set(alphabet)
        assert reached <= error(w, s, first, (w @ s @ first) / (first @ s @ first)) + 1e-9
        for place, code in product(range(len(w)), alphabet):
            changed = codes.copy()
            changed[place] = code
            assert reached <= error(w, s, changed, alpha) + 1e-9
        for other in (alpha * 0.99, alpha * 1.01):
            assert reached <= error(w, s, codes, other) + 1e-9


@pytest.mark.parametrize(("nearest", "alphabet"), ALPHABETS)
def test_most_fits_are_the_best_there_is(nearest: Nearest, alphabet: list[float]) -> None:
    best_found = 0
    for seed in range(40):
        weight, s = problem(seed, filters=1)
        start = sign(torch.from_numpy(weight))
        fit = fit_codes(torch.from_numpy(weight), torch.from_numpy(s[None]), start, nearest, 50)
        least = min(
            error(weight[0], s, t, (weight[0] @ s @ t) / (t @ s @ t))
            for t in map(np.array, product(alphabet, repeat=6))
            if t.any()
        )
        best_found += error(weight[0], s, fit.codes[0].numpy(), fit.alpha.item()) <= least * 1.0001
    assert best_found >= 15  # coordinate descent ends in local minima now and then


def test_white_inputs_give_sign_and_mean_magnitude() -> None:
    weight = torch.randn(5, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    fit = fit_codes(weight, torch.eye(30)[None], torch.ones(5, 30), nearest_sign, 10)
    assert torch.equal(fit.codes, sign(weight))
    assert torch.allclose(fit.alpha, weight.abs().mean(1))


def test_groups_are_fitted_each_to_its_own_inputs() -> None:
    (w1, s1), (w2, s2) = problem(1), problem(2)
    weight, moment = torch.from_numpy(np.concatenate([w1, w2])), torch.from_numpy(np.stack([s1, s2]))
    both = fit_codes(weight, moment, sign(weight), nearest_sign, 20)
    for g in range(2):
        part = slice(3 * g, 3 * g + 3)
        alone = fit_codes(weight[part], moment[g : g + 1], sign(weight[part]), nearest_sign, 20)
        assert torch.equal(both.codes[part], alone.codes)
        assert torch.allclose(both.alpha[part], alone.alpha)


def test_silent_inputs_stay_finite() -> None:
    weight = torch.randn(2, 4, dtype=torch.float64)
    fit = fit_codes(weight, torch.zeros(1, 4, 4), sign(weight), nearest_sign, 5)
    assert fit.alpha.tolist() == [0, 0]


@settings(max_examples=20, deadline=None)
@given(
    kernel=st.integers(1, 3), stride=st.integers(1, 2), padding=st.integers(0, 1), pad_value=st.sampled_from([0, 1]),
    dilation=st.integers(1, 2), groups=st.sampled_from([1, 2]), seed=st.integers(0, 99),
)  # fmt: skip
def test_second_moment_gives_the_layers_output_power(
    kernel: int, stride: int, padding: int, pad_value: int, dilation: int, groups: int, seed: int
) -> None:
    """w^T S w is the mean square of what a filter computes."""
    torch.manual_seed(seed)
    layer = QuantConv2d(
        4, 6, kernel, stride=stride, padding=padding, pad_value=pad_value, dilation=dilation, groups=groups
    ).double()  # fmt: skip
    x = torch.randn(3, 4, 7, 6, dtype=torch.float64)
    y = layer._convolve(x, layer.weight.detach())
    w = layer.weight.detach().flatten(1).view(groups, -1, 4 // groups * kernel**2)
    power = (w @ second_moment(layer, x) * w).sum(2).flatten()
    assert torch.allclose(power, y.square().mean((0, 2, 3)), atol=1e-10)


def test_second_moment_of_a_dense_layer() -> None:
    layer, x = QuantLinear(5, 3), torch.randn(7, 5)
    assert torch.allclose(second_moment(layer, x), (x.double().T @ x.double() / 7)[None])


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_weights_are_real_until_fitted(scheme: HashedSign | TwoStepTernary) -> None:
    weight = nn.Parameter(torch.randn(4, 9))
    quantizer = scheme.bind(weight)
    assert torch.equal(quantizer(weight, 0.9), weight)
    assert torch.equal(quantizer(weight, 1.0), total(quantizer.terms(weight)))  # as if never fitted
    fallback = MagnitudeAwareSign() if isinstance(scheme, HashedSign) else LeastSquaresTernary()
    assert torch.equal(quantizer(weight, 1.0), total(fallback.terms(weight)))


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999))
def test_fitted_weights_compute_nearly_what_the_real_ones_do(scheme: HashedSign | TwoStepTernary, seed: int) -> None:
    real, s = problem(seed, filters=8, n=12)
    weight = nn.Parameter(torch.from_numpy(real))
    quantizer = scheme.bind(weight)
    before = total(quantizer.terms(weight)).detach().numpy()
    quantizer.fit(weight, torch.from_numpy(s[None]))
    after = quantizer(weight, 0.5).detach()
    assert torch.allclose(after, total(quantizer.terms(weight)), atol=1e-12)
    assert torch.allclose(after, quantizer(weight, 1.0), atol=1e-12)
    assert quantizer.terms(weight)[0].dtype == (BIPOLAR if isinstance(scheme, HashedSign) else TERNARY)

    def errors(value: np.ndarray) -> np.ndarray:
        rest = real - value
        return np.asarray(((rest @ s) * rest).sum(1))

    assert (errors(after.numpy()) <= errors(before) + 1e-9).all()


def test_hashed_weights_go_on_learning_and_two_step_weights_do_not() -> None:
    moment = torch.eye(9)[None]
    hashed, fixed = nn.Parameter(torch.randn(4, 9)), nn.Parameter(torch.randn(4, 9))
    one, two = HashedSign().bind(hashed), TwoStepTernary().bind(fixed)
    one.fit(hashed, moment)
    two.fit(fixed, moment)
    one(hashed, 0.7).sum().backward()  # type: ignore[no-untyped-call]
    assert hashed.grad is not None
    assert hashed.grad.abs().sum() > 0
    value = two(fixed, 0.7)
    assert not value.requires_grad
    with torch.no_grad():
        fixed.neg_()
    assert torch.equal(two(fixed, 0.8), value)


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_a_checkpoint_holds_the_fit(scheme: HashedSign | TwoStepTernary) -> None:
    torch.manual_seed(0)
    layer, again = (QuantConv2d(2, 4, 3, weights=scheme) for _ in range(2))
    layer.quantizer.fit(layer.weight, torch.eye(18)[None])  # type: ignore[attr-defined]
    again.load_state_dict(layer.state_dict())
    assert torch.equal(again.quantizer(again.weight, 0.5), layer.quantizer(layer.weight, 0.5))
    assert again.quantizer.fitted  # type: ignore[attr-defined]


def network(scheme: HashedSign | TwoStepTernary) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        QuantConv2d(2, 4, 3, padding=1, weights=scheme),
        nn.ReLU(),
        QuantConv2d(4, 4, 3, weights=SignWeights()),
        nn.Flatten(),
        QuantLinear(16, 3, weights=scheme),
    )


def fitted(module: nn.Sequential) -> list[bool]:
    return [bool(module[place].quantizer.fitted) for place in (0, 4)]  # type: ignore[union-attr, operator]


def step(module: nn.Sequential, progress: float, x: Tensor) -> None:
    for layer in module:
        vars(layer)["progress"] = progress
    module(x)


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_layers_are_fitted_one_after_another(scheme: HashedSign | TwoStepTernary) -> None:
    module, x = network(scheme), torch.randn(5, 2, 4, 4)
    FitToInputs(0.4, 0.6).prepare(Context(module, (), lambda name: module))
    for progress, expected in [(0.39, [False, False]), (0.4, [True, False]), (0.49, [True, False]), (0.5, [True, True])]:
        step(module, progress, x)
        assert fitted(module) == expected


def test_inference_and_settling_fit_nothing() -> None:
    module, x = network(HashedSign()), torch.randn(5, 2, 4, 4)
    FitToInputs(0.0, 0.0).prepare(Context(module, (), lambda name: module))
    step(module, 1.0, x)
    step(module.eval(), 0.5, x)
    assert fitted(module) == [False, False]


def test_a_layer_is_fitted_to_what_it_sees() -> None:
    module, x = network(TwoStepTernary()), torch.rand(6, 2, 4, 4)
    layer = module[0]
    assert isinstance(layer, QuantConv2d)
    real = layer.weight.detach().clone()
    FitToInputs(0.2, 0.2, images=4, ridge=0.0).prepare(Context(module, (), lambda name: module))
    with torch.autocast("cpu", torch.bfloat16):
        step(module, 0.3, x)
    patches = functional.unfold(x[:4].double(), 3, padding=1).transpose(0, 1).flatten(1)
    s = (patches @ patches.T / patches.shape[1])[None]
    start = LeastSquaresTernary().terms(real)[0].codes
    fit = fit_codes(real.flatten(1), s, start.flatten(1), nearest_ternary, 10)
    (term,) = layer.quantizer.terms(layer.weight)
    assert torch.equal(term.codes.flatten(1).double(), fit.codes)
    assert torch.allclose(term.scale.double(), fit.alpha, rtol=1e-6)


def test_silent_channels_keep_the_signs_of_their_weights() -> None:
    layer = QuantLinear(6, 4, weights=HashedSign())
    module = nn.Sequential(layer)
    signs = sign(layer.weight.detach())
    x = torch.rand(8, 6)
    x[:, 3:] = 0
    FitToInputs(0.2, 0.2).prepare(Context(module, (), lambda name: module))
    step(module, 0.3, x)
    assert torch.equal(sign(layer.weight.detach())[:, 3:], signs[:, 3:])


def test_the_window_must_lie_within_the_training() -> None:
    with pytest.raises(UsageError, match="start <= stop < 1"):
        FitToInputs(0.5, 1.0)

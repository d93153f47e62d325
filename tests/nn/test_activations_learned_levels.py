"""Activations whose levels are sums of learned plane scales: ReBNet, least squares, LQ-Nets; and the grid they share."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.errors import UsageError
from neurobin.ir import BIPOLAR, FLOAT64, TERNARY, Builder, DType, Encoding, TensorType
from neurobin.ir.dtype import u
from neurobin.nn.activations.learned_levels import LearnedLevels
from neurobin.nn.activations.least_squares import NORMAL, LeastSquaresActivation
from neurobin.nn.activations.levels import GRID, distinct_ratios, ordered_ratios, plane_type, reached
from neurobin.nn.activations.residual import ResidualSigns
from neurobin.nn.bases import two_clusters
from tests.nn.test_emit import check, normal

scales = st.floats(-3, 3).filter(lambda v: v == 0 or abs(v) > 1e-6)


def emitted(layer: torch.nn.Module) -> DType:
    """The type of the codes."""
    b = Builder({"x": TensorType((4,), FLOAT64)})
    layer.double().emit(b, "x")  # type: ignore[operator]
    return next(node.op.dtype for node in b.nodes if node.op.name == "multi_threshold")


def test_reached_counts_thresholds_ties_included() -> None:
    x = torch.tensor([-1.0, 0.0, 0.5, 0.75, 9.0])
    assert reached(x, torch.tensor([0.0, 0.5, 1.0])).tolist() == [0, 1, 2, 2, 3]


@settings(max_examples=200, deadline=None)
@given(st.lists(scales, min_size=1, max_size=4))
def test_ordered_ratios_are_larger_than_the_sum_of_those_behind(values: list[float]) -> None:
    ratios = ordered_ratios(values)
    assert all(ratio > sum(ratios[place + 1 :]) for place, ratio in enumerate(ratios))
    assert ratios[-1] >= 1
    DType(Encoding.BIPOLAR, len(ratios), ratios)  # refuses two codes of one value


def test_ordered_ratios_keep_scales_that_are_in_order() -> None:
    assert ordered_ratios([1.0, 0.5, 0.25]) == (GRID, GRID // 2, GRID // 4)
    assert ordered_ratios([-1.0, 0.3]) == (GRID, 19)
    assert ordered_ratios([0.5, 1.0]) == (GRID + 1, GRID)  # the second is no larger than the first, the first is raised
    assert ordered_ratios([3.0, 2.0, 1.0]) == (65, 43, 21)  # ReBNet's start: 3 - 2 - 1 would be a level with two codes


@settings(max_examples=200, deadline=None)
@given(st.lists(scales, min_size=1, max_size=4))
def test_distinct_ratios_give_every_code_a_level_of_its_own(values: list[float]) -> None:
    ratios = distinct_ratios(values)
    DType(Encoding.UNSIGNED, len(ratios), ratios)
    largest = max(*values, 1e-3)
    exact = [max(GRID * value / largest, 1) for value in values]
    assert all(abs(ratio - value) <= 16.5 for ratio, value in zip(ratios, exact, strict=True))


def test_plane_types_have_no_common_factor() -> None:
    assert plane_type(Encoding.BIPOLAR, (64, 32)) == (DType(Encoding.BIPOLAR, 2), 32)
    assert plane_type(Encoding.UNSIGNED, (12, 64)) == (DType(Encoding.UNSIGNED, 2, (3, 16)), 4)
    assert plane_type(Encoding.UNSIGNED, (16, 64, 32)) == (u(3), 16)
    assert plane_type(Encoding.BIPOLAR, (64,)) == (BIPOLAR, 64)


def residual_by_hand(x: np.ndarray, gamma: list[float]) -> np.ndarray:
    """ReBNet's encoder as the paper prints it."""
    value = np.zeros_like(x)
    for scale in gamma:
        value += scale * np.where(x - value >= 0, 1, -1)
    return value


@pytest.mark.parametrize("gamma", [[0.75], [0.75, 0.1875], [1.0, 0.5, 0.25], [0.5, 0.25, 0.125, 0.0625]])
def test_residual_signs_are_the_papers_recursion_in_training_and_evaluation(gamma: list[float]) -> None:
    layer = ResidualSigns(1, len(gamma)).double()
    layer.gamma.data = torch.tensor(gamma, dtype=torch.float64)
    x = np.arange(-64, 65)[:, None] / 32  # ties at 0, at gamma_1, at gamma_1 + gamma_2 ...
    expected = residual_by_hand(x, gamma)
    assert (layer.train()(torch.from_numpy(x)).detach().numpy() == expected).all()
    assert (layer.eval()(torch.from_numpy(x)).detach().numpy() == expected).all()
    check(layer, x, FLOAT64)


@settings(max_examples=100, deadline=None)
@given(gamma=st.lists(scales, min_size=1, max_size=4), seed=st.integers(0, 99))
def test_residual_signs_give_the_nearest_level_whatever_the_scales(gamma: list[float], seed: int) -> None:
    layer = ResidualSigns(1, len(gamma)).double()
    layer.gamma.data = torch.tensor(gamma, dtype=torch.float64)
    used = layer._scales().tolist()
    levels = np.sort([np.dot(signs, used) for signs in product((-1, 1), repeat=len(used))])
    x = np.random.default_rng(seed).normal(size=(200, 1)) * 3
    distance = np.abs(x - levels)
    for mode in (True, False):
        y = layer.train(mode)(torch.from_numpy(x)).detach().numpy()
        assert np.abs(y - levels[distance.argmin(1)][:, None]).max() <= 1e-9
    check(layer, x, FLOAT64)


def test_residual_gradients_run_through_the_recursion() -> None:
    layer = ResidualSigns(1, 2).double()
    layer.gamma.data = torch.tensor([0.5, -0.25], dtype=torch.float64)
    x = torch.tensor([[-2.0], [-0.5], [0.25], [0.75], [1.25]], dtype=torch.float64, requires_grad=True)
    layer(x).sum().backward()
    values = x.detach()[:, 0].numpy()
    rest = values - 0.5 * np.where(values >= 0, 1, -1)
    outer, inner = np.abs(values) <= 1, np.abs(rest) <= 1
    assert x.grad is not None
    assert layer.gamma.grad is not None
    # dy/dx = g1 c(e1) + g2 c(e2) (1 - g1 c(e1))
    assert np.allclose(x.grad[:, 0].numpy(), 0.5 * outer + 0.25 * inner * (1 - 0.5 * outer))
    # dy/dg1 = s1 (1 - g2 c(e2)), dy/d|g2| = s2
    signs, second = np.where(values >= 0, 1, -1), np.where(rest >= 0, 1, -1)
    assert layer.gamma.grad.tolist() == pytest.approx([(signs * (1 - 0.25 * inner)).sum(), -second.sum()])


def test_residual_start_is_the_papers() -> None:
    assert ResidualSigns(1, 3).gamma.tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6])
    assert emitted(ResidualSigns(1, 2)) == DType(Encoding.BIPOLAR, 2)  # 2 : 1, near enough to be a plain 2-bit type
    with pytest.raises(UsageError, match="1 to 4 bits here, got 5"):
        ResidualSigns(1, 5)


def samples(rule: str, x: np.ndarray) -> tuple[torch.Tensor, LeastSquaresActivation]:
    """x [N, C, ...] in training, half-way through."""
    layer = LeastSquaresActivation(x.shape[1], rule).double().train()
    layer.progress = 0.5
    return layer(torch.from_numpy(x)), layer


@pytest.mark.parametrize("rule", NORMAL)
def test_least_squares_scales_are_each_samples_own(rule: str) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 5, 5)) * np.array([0.25, 1, 0.5])[:, None, None, None]
    y, _ = samples(rule, x)
    for image, values in zip(x, y.numpy(), strict=True):
        error = ((image - values) ** 2).sum()
        v1 = np.linspace(0.01, 2, 200)[:, None]
        signs = np.sign(image.ravel())
        if rule == "lsT":
            tried = signs * np.where(np.abs(image.ravel()) >= v1, 2 * v1, 0)
        elif rule == "ls2":
            rest = image.ravel() - v1 * signs
            tried = v1 * signs + np.abs(rest).mean(1, keepdims=True) * np.sign(rest)
        else:
            v1 = np.abs(image).mean()
            rest = image.ravel() - v1 * signs
            tried = (v1 * signs + np.abs(rest).mean() * np.sign(rest))[None]
        best = ((image.ravel() - tried) ** 2).sum(1).min()
        assert error == pytest.approx(best, rel=2e-3)  # the search and the grid of 1/64 are coarse
        if rule != "greedy":
            assert error <= best * 1.0005


@pytest.mark.parametrize("shape", [(64, 14, 14), (64, 56, 56), (64, 8, 8), (128, 7, 7), (3000,)])
def test_least_squares_samples_meet_every_place_of_a_map_alike(shape: tuple[int, ...]) -> None:
    places = torch.arange(math.prod(shape[1:]), dtype=torch.float32).reshape(shape[1:])
    act = LeastSquaresActivation(shape[0], "greedy")
    seen = act._fitted((places / places.numel()).expand(1, *shape))
    everything = (places / places.numel()).flatten()
    assert seen[0, 0].item() == pytest.approx(everything.mean().item(), abs=0.01)


@pytest.mark.parametrize("rule", NORMAL)
def test_least_squares_keeps_a_running_mean_for_inference(rule: str) -> None:
    x = np.random.default_rng(0).normal(size=(64, 8, 6, 6))
    layer = LeastSquaresActivation(8, rule).double()
    assert layer.average.tolist() == pytest.approx(NORMAL[rule], abs=1e-4)
    started = layer.average.clone()
    layer.train()(torch.from_numpy(x))  # progress 1: as at inference
    assert torch.equal(layer.average, started)
    layer.progress = 0.5
    layer(torch.from_numpy(2 * x))
    fitted = layer._fitted(torch.from_numpy(np.clip(2 * x, -3, 3))).mean(0)
    assert torch.allclose(layer.average, 0.99 * started + 0.01 * fitted)
    for _ in range(600):
        layer(torch.from_numpy(x))
    assert layer.average.tolist() == pytest.approx(NORMAL[rule], abs=0.02)
    check(layer, x, FLOAT64)


@pytest.mark.parametrize("rule", NORMAL)
@pytest.mark.parametrize("average", [(0.75, 0.1875), (0.5, 0.5), (0.25, 1.0), (0.0, 0.0)])
def test_least_squares_emits_what_it_computes_for_any_scales(rule: str, average: tuple[float, float]) -> None:
    layer = LeastSquaresActivation(5, rule)
    layer.average.copy_(torch.tensor(average))
    check(layer, normal(3, 5, 4, 2), FLOAT64)
    assert emitted(layer).bits == 2


def test_least_squares_codes() -> None:
    x = torch.tensor([[-2.0, -0.75, -0.5, -0.0, 0.5, 0.75, 2.0]], dtype=torch.float64)
    layer = LeastSquaresActivation(7, "ls2").double()
    layer.average.copy_(torch.tensor([0.75, 0.1875]))
    assert layer(x).tolist() == [[-0.9375, -0.5625, -0.5625, 0.5625, 0.5625, 0.9375, 0.9375]]
    assert emitted(layer) == DType(Encoding.BIPOLAR, 2, (1, 4))
    layer = LeastSquaresActivation(7, "lsT").double()
    layer.average.copy_(torch.tensor([0.75, 0.75]))
    assert layer(x).tolist() == [[-1.5, 0, 0, 0, 0, 1.5, 1.5]]
    assert emitted(layer) == TERNARY
    with pytest.raises(UsageError, match=r"unknown least-squares rule 'ls3' .*ls2, lsT, greedy"):
        LeastSquaresActivation(1, "ls3")


def test_large_maps_are_sampled_evenly() -> None:
    """The scales of a sample of the values serve nearly as well as those of all of them."""
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 64, 14, 14)))
    rough = LeastSquaresActivation(64, "ls2").double()._fitted(x)
    values = x.abs().flatten(1)
    low, high = two_clusters(values)
    for magnitudes, v, best in zip(values, rough, torch.stack([low + high, high - low], 1) / 2, strict=True):
        errors = [((magnitudes - a) - b * torch.sign(magnitudes - a)).square().sum() for a, b in (v, best)]
        assert errors[1] <= errors[0] <= 1.03 * errors[1]


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_learned_levels_start_uniform_and_take_the_nearest_level(bits: int) -> None:
    layer = LearnedLevels(1, bits).double()
    unit = 2 * 0.6745 / (2**bits - 1)
    assert layer.basis.tolist() == pytest.approx([unit * 2**place for place in range(bits)])
    assert emitted(layer) == u(bits)
    x = np.linspace(-0.5, 2, 101)[:, None]
    y = layer(torch.from_numpy(x)).detach().numpy()
    assert np.abs(y - unit * np.clip(np.rint(x / unit), 0, 2**bits - 1)).max() <= 1e-6
    check(layer, normal(3, 5, 4, 2), FLOAT64)


def test_learned_levels_pass_the_gradient_up_to_the_top() -> None:
    layer = LearnedLevels(1, 2).double()
    layer.basis.copy_(torch.tensor([0.25, 1.0]))
    x = torch.tensor([[-1.0], [0.0], [0.1], [1.25], [1.3]], dtype=torch.float64, requires_grad=True)
    assert layer(x)[:, 0].tolist() == [0, 0, 0, 1.25, 1.25]
    layer(x).sum().backward()
    assert x.grad is not None
    assert x.grad[:, 0].tolist() == [0, 0, 1, 1, 0]


@pytest.mark.parametrize("basis", [[0.25, 1.0], [1.0, 0.3, 0.4], [0.5, 0.5], [0.25, 0.5, 0.75], [-0.5, 0.0], [1e-9, 1e-9]])
def test_learned_levels_emit_what_they_compute_for_any_basis(basis: list[float]) -> None:
    layer = LearnedLevels(5, len(basis))
    layer.basis.copy_(torch.tensor(basis))
    check(layer, normal(3, 5, 4, 2), FLOAT64)
    assert emitted(layer).bits == len(basis)


def test_learned_levels_move_towards_the_least_squares_fit() -> None:
    layer = LearnedLevels(1, 2).double().train()
    layer.basis.copy_(torch.tensor([0.5, 1.0]))
    x = np.abs(np.random.default_rng(1).normal(size=(500, 1)))
    layer.progress = 0.5
    layer(torch.from_numpy(x))
    codes = np.clip(np.floor(x[:, 0] / 0.5 + 0.5), 0, 3).astype(int)
    planes = np.stack([codes & 1, codes >> 1], 1).astype(float)
    fitted = np.linalg.solve(planes.T @ planes + 1e-4 * np.eye(2), planes.T @ x[:, 0])
    assert layer.basis.tolist() == pytest.approx((0.9 * np.array([0.5, 1.0]) + 0.1 * fitted).tolist())
    layer.progress = 1.0
    kept = layer.basis.clone()
    layer(torch.from_numpy(x))
    assert torch.equal(layer.basis, kept)


def test_learned_levels_come_to_explain_half_a_normal_distribution() -> None:
    """The best 4 levels with 0 fixed: the error falls below that of the best uniform ones (0.538 steps)."""
    layer = LearnedLevels(1, 2).double().train()
    layer.progress = 0.5
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(20_000, 1))).clamp(min=0)
    for _ in range(60):
        y = layer(x)
    uniform = 0.538 * torch.clamp(torch.round(x / 0.538), 0, 3)
    assert (y - x).square().mean() < (uniform - x).square().mean()

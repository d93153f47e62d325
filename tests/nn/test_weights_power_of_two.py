"""INQ weights: the paper's rule in numpy, groups that freeze for good, and what a checkpoint must hold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from neurobin.errors import UsageError
from neurobin.ir import TERNARY
from neurobin.ir.dtype import i
from neurobin.nn.weights.power_of_two import PowerOfTwo, PowerOfTwoQuantizer
from neurobin.nn.weights.quantizer import total


def bound(bits: int = 5, seed: int = 0, shape: tuple[int, ...] = (8, 25)) -> tuple[PowerOfTwoQuantizer, nn.Parameter]:
    weight = nn.Parameter(torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))
    return PowerOfTwo(bits).bind(weight), weight


def by_the_rule(weight: np.ndarray, bits: int) -> np.ndarray:
    """beta if (alpha + beta) / 2 <= |w| < 3 beta / 2, one weight and one level after the other."""
    n1 = int(np.floor(np.log2(4 * np.abs(weight).max() / 3)))
    n2 = n1 + 1 - 2 ** (bits - 1) // 2
    levels = [0.0, *(2.0**n for n in range(n2, n1 + 1))]
    result = np.zeros_like(weight)
    for place, w in np.ndenumerate(weight):
        for alpha, beta in pairwise(levels):
            if (alpha + beta) / 2 <= abs(w) < 3 * beta / 2:
                result[place] = np.sign(w) * beta
    return result


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 999), bits=st.integers(2, 5), grid=st.booleans())
def test_values_follow_the_papers_rule(seed: int, bits: int, grid: bool) -> None:
    weight = np.random.default_rng(seed).normal(size=(3, 20))
    weight = np.rint(weight * 16) / 16 if grid else weight  # the grid has zeros and the rule's borders
    quantizer = PowerOfTwo(bits).bind(nn.Parameter(torch.from_numpy(weight)))
    found = quantizer.terms(torch.from_numpy(weight))
    assert np.array_equal(total(found).numpy(), by_the_rule(weight, bits))
    assert found[0].dtype == {2: TERNARY, 3: i(3), 4: i(5), 5: i(9)}[bits]
    assert found[0].dtype.holds(found[0].codes.numpy().astype(int))
    assert torch.equal(quantizer(torch.from_numpy(weight)), total(found))


def test_borders_by_hand() -> None:
    weight = torch.tensor([[0.124, 0.125, 0.374, 0.375, 0.749, 0.75, 1.0, -0.375, 0.0]])
    value = total(PowerOfTwo(4).bind(nn.Parameter(weight)).terms(weight))  # n1 = 0, n2 = -3
    assert value.tolist() == [[0.125, 0.125, 0.25, 0.5, 0.5, 1, 1, -0.5, 0]]
    value = total(PowerOfTwo(3).bind(nn.Parameter(weight)).terms(weight))  # n2 = -1
    assert value.tolist() == [[0, 0, 0.5, 0.5, 0.5, 1, 1, -0.5, 0]]


@pytest.mark.parametrize(
    ("progress", "share"),
    [(0, 0), (0.19, 0), (0.2, 0.5), (0.39, 0.5), (0.4, 0.75), (0.6, 0.875), (0.8, 1), (0.99, 1), (1, 1)],
)
def test_shares_come_at_equal_parts(progress: float, share: float) -> None:
    assert PowerOfTwo().share(progress) == share


def test_the_largest_half_freezes_first_and_the_rest_stays_real() -> None:
    quantizer, weight = bound()
    assert torch.equal(quantizer(weight, 0.1), weight)
    value = quantizer(weight, 0.2)
    magnitude = weight.detach().abs()
    frozen = magnitude > magnitude.flatten().median()
    assert torch.equal(quantizer.frozen, frozen)
    assert torch.equal(value[~frozen], weight[~frozen])
    assert np.array_equal(value.detach().numpy()[frozen], by_the_rule(weight.detach().numpy(), 5)[frozen])


def test_frozen_weights_get_no_gradient_and_keep_their_values() -> None:
    quantizer, weight = bound()
    first = quantizer(weight, 0.2)
    first.sum().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert torch.equal(weight.grad == 0, quantizer.frozen)
    frozen = quantizer.frozen.clone()
    with torch.no_grad():
        weight.mul_(-3)  # whatever becomes of the latent weights
    second = quantizer(weight, 0.45)
    assert torch.equal(second[frozen], first[frozen])
    assert int(quantizer.frozen.sum()) == 150
    assert (quantizer.frozen | ~frozen).all()
    assert torch.equal(total(quantizer.terms(weight))[frozen], first[frozen])


def test_weights_that_outgrow_the_largest_power_take_it() -> None:
    quantizer, weight = bound()
    quantizer(weight, 0.2)
    with torch.no_grad():
        weight.mul_(100)
    largest = quantizer.step * 2**7
    assert total(quantizer.terms(weight)).abs().max() == largest


def test_in_the_last_part_everything_is_frozen() -> None:
    quantizer, weight = bound()
    for progress in (0.2, 0.4, 0.6):
        quantizer(weight, progress)
        with torch.no_grad():
            weight.add_(0.05)
    last = quantizer(weight, 0.8)
    assert quantizer.frozen.all()
    assert torch.equal(last, quantizer(weight, 1.0))
    assert torch.equal(last, total(quantizer.terms(weight)))


def test_inference_freezes_nothing() -> None:
    quantizer, weight = bound()
    quantizer(weight, 1.0)
    quantizer.eval()(weight, 0.5)
    assert not quantizer.frozen.any()


def test_a_checkpoint_holds_the_groups() -> None:
    quantizer, weight = bound()
    quantizer(weight, 0.2)
    again, _ = bound(seed=5)
    again.load_state_dict(quantizer.state_dict())
    moved = nn.Parameter(weight.detach() * 1.7)
    assert torch.equal(again(moved, 0.45), quantizer(moved, 0.45))
    assert torch.equal(again.frozen, quantizer.frozen)


def test_a_layer_of_zeros_stays_zero() -> None:
    weight = nn.Parameter(torch.zeros(2, 5))
    quantizer = PowerOfTwo().bind(weight)
    for progress in (0.1, 0.3, 0.9, 1.0):
        assert (quantizer(weight, progress) == 0).all()


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="2 to 5 bits"):
        PowerOfTwo(6)
    for shares in [(), (0.5,), (0.75, 0.5, 1.0), (0.0, 1.0)]:
        with pytest.raises(UsageError, match="shares must rise"):
            PowerOfTwo(5, shares)

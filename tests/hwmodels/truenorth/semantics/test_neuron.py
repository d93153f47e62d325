"""Every row of the reset table of Cassidy et al. 2013, the leak, the potential's width, and where RANC differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hwmodels.truenorth.semantics.neuron import SEMANTICS, Neurons, stateless, step
from neurobin.errors import UnsupportedError

TRUENORTH = SEMANTICS["truenorth"]
V = np.array([-9, -8, -7, 0, 6, 7, 8])  # around beta = 7 (crossed at -8) and alpha = 7


def neurons(**values: int) -> Neurons:
    base = stateless(np.zeros(1, np.int32), np.zeros(1, np.int32))
    return replace(base, **{name: np.array([value], np.int32) for name, value in values.items()})


@pytest.mark.parametrize(
    ("gamma", "kappa", "after_negative", "after_spike"),
    [
        (0, 0, [-3, -3], [3, 3]),  # normal: -R and R
        (0, 1, [-7, -7], [3, 3]),  # negative saturation
        (1, 0, [-2, -1], [0, 1]),  # linear: V + beta and V - alpha
        (1, 1, [-7, -7], [0, 1]),
        (2, 0, [-9, -8], [7, 8]),  # no reset
        (2, 1, [-7, -7], [7, 8]),
    ],
)
def test_reset_modes(gamma: int, kappa: int, after_negative: list[int], after_spike: list[int]) -> None:
    parameters = neurons(alpha=7, beta=7, reset=3, gamma=gamma, kappa=kappa)
    spikes, potential = step(np.zeros(7, np.int32), V, parameters, TRUENORTH)
    assert spikes.tolist() == [False] * 5 + [True] * 2
    assert potential.tolist() == [*after_negative, -7, 0, 6, *after_spike]


@pytest.mark.parametrize(
    ("reversal", "leak", "expected"),
    [(0, 2, [-3, 2, 7]), (0, -2, [-7, -2, 3]), (1, 2, [-7, 0, 7]), (1, -2, [-3, 0, 3])],
)
def test_signed_leak_and_leak_reversal(reversal: int, leak: int, expected: list[int]) -> None:
    parameters = neurons(alpha=100, beta=100, leak=leak, leak_reversal=reversal)
    _, potential = step(np.array([-5, 0, 5]), np.zeros(3, np.int32), parameters, TRUENORTH)
    assert potential.tolist() == expected


def test_integrate_then_leak_then_threshold() -> None:
    """A leak that takes the potential below the threshold in the same tick prevents the spike."""
    spikes, potential = step(np.array([4, 4]), np.array([3, 4]), neurons(alpha=7, beta=9, leak=-1), TRUENORTH)
    assert spikes.tolist() == [False, True]
    assert potential.tolist() == [6, 0]


def test_potential_saturates_at_20_bits() -> None:
    top = 2**19 - 1
    parameters = neurons(alpha=2**20, beta=2**20, leak=5)
    _, potential = step(np.array([top, -top - 1]), np.array([1, -9]), parameters, TRUENORTH)
    assert potential.tolist() == [top, -top - 1 + 5]
    _, wide = step(np.array([top]), np.array([1]), parameters, SEMANTICS["ranc"])
    assert wide.tolist() == [top + 6]


def test_stateless_neurons_return_to_zero_whatever_happens() -> None:
    parameters = stateless(np.array([-3, 3], np.int32)[:, None], np.zeros((2, 1), np.int32))
    drive = np.array([[-200, 2, 3, 200]] * 2)
    spikes, potential = step(np.zeros((2, 4), np.int32), drive, parameters, TRUENORTH)
    assert spikes.tolist() == [[False, False, True, True], [False, True, True, True]]
    assert not potential.any()


@pytest.mark.parametrize(("name", "at_threshold"), [("ranc", -7), ("ranc_inclusive", -3)])
def test_ranc_negative_test_is_strict_or_inclusive(name: str, at_threshold: int) -> None:
    """RANC's neuron_reset_type 0: V < thr; 1: V <= thr. Both reset to -R; thr = -beta."""
    parameters = neurons(alpha=7, beta=7, reset=3)
    _, potential = step(np.zeros(2, np.int32), np.array([-8, -7]), parameters, SEMANTICS[name])
    assert potential.tolist() == [-3, at_threshold]


def test_ranc_positive_negative_threshold() -> None:
    """RANC compares with a signed negative threshold, which may be positive: beta = -thr."""
    _, potential = step(np.array([3]), np.array([1]), neurons(alpha=9, beta=-5, gamma=1), SEMANTICS["ranc"])
    assert potential.tolist() == [4 - 5]  # linear: V - thr


@pytest.mark.parametrize("flag", ["stochastic_synapse", "stochastic_leak", "threshold_mask"])
def test_stochastic_neurons_are_refused(flag: str) -> None:
    with pytest.raises(UnsupportedError, match=f"1 neurons use {flag}"):
        neurons(**{flag: 1}).column()

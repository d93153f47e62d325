"""Folded thresholds agree with the real chain for every integer an accumulator can hold."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.ir import BIPOLAR, FLOAT64, Constant
from neurobin.ir.dtype import i, u
from neurobin.ops.affine import Affine
from neurobin.ops.batch_norm import BatchNorm
from neurobin.ops.clip import Clip
from neurobin.ops.prelu import Prelu
from neurobin.ops.quantize import Quantize
from neurobin.ops.relu import Relu
from neurobin.ops.sign import Sign
from neurobin.passes.thresholds import fold, is_monotone

numbers = st.one_of(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 3.0]), st.floats(-4, 4, allow_subnormal=False))


def constant(*values: float) -> Constant:
    return Constant(FLOAT64, np.array(values))


@st.composite
def chains(draw):
    """Batch norm (gamma of any sign), then up to two more monotone steps, then a quantizer; two channels."""

    def pair():
        return constant(draw(numbers), draw(numbers))

    variance = constant(draw(st.sampled_from([0.25, 1.0, 2.0])), 1.0)
    chain = [Affine(constant(abs(draw(numbers)) + 0.125)), BatchNorm(pair(), pair(), pair(), variance, 0.0)]
    steps = [Relu(), Clip(-1.0, 1.0), Prelu(constant(0.25)), Prelu(constant(0.0, 2.0)), Affine(pair(), pair())]
    chain += draw(st.lists(st.sampled_from(steps), max_size=2))
    return [*chain, draw(st.sampled_from([Sign(), Sign(pair()), Quantize(1), Quantize(2), Quantize(4)]))]


@settings(max_examples=150, deadline=None)
@given(chain=chains(), bits=st.integers(2, 9))
def test_fold_equals_the_chain_on_every_integer(chain, bits):
    source = i(bits)
    result = BIPOLAR if isinstance(chain[-1], Sign) else u(chain[-1].bits)
    every = np.arange(source.low, source.high + 1)[:, None].repeat(2, axis=1)
    expected = every
    for op in chain:
        expected = op.reference(expected)
    assert np.array_equal(fold(chain, source, result, 2).reference(every), expected)


@pytest.mark.parametrize("gamma", [-2.0, -0.5, 0.5, 1.0])
@pytest.mark.parametrize("beta", [-1.0, 0.0, 0.75])
@pytest.mark.parametrize("mean", [-3.0, 0.0, 2.5])
def test_fold_gives_the_closed_form_of_the_literature(gamma, beta, mean):
    """gamma > 0: s >= ceil(tau); gamma < 0: s <= floor(tau); tau = mean - beta sigma / gamma, here sigma = 2."""
    chain = [BatchNorm(constant(gamma), constant(beta), constant(mean), constant(4.0), 0.0), Sign()]
    made = fold(chain, i(8), BIPOLAR, 1)
    tau = Fraction(mean) - Fraction(beta) * 2 / Fraction(gamma)
    assert bool(made.descending.values[0]) == (gamma < 0)
    assert made.thresholds.values[0, 0] == (ceil(tau) if gamma > 0 else floor(tau) + 1)


def test_gamma_zero_is_a_constant():
    for beta, value in ((0.0, 1), (-0.25, -1)):
        chain = [BatchNorm(constant(0.0), constant(beta), constant(1.0), constant(1.0), 0.0), Sign()]
        every = np.arange(-8, 8)[:, None]
        assert (fold(chain, i(4), BIPOLAR, 1).reference(every) == value).all()


def test_a_negative_prelu_slope_is_not_monotone():
    assert is_monotone(Prelu(constant(0.0, 0.5)))
    assert not is_monotone(Prelu(constant(-0.1, 0.5)))

"""Folded thresholds agree with the real chain for every integer an accumulator can hold."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.ir import BINARY, BIPOLAR, FLOAT64, TERNARY, Constant, DType, Encoding, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops.affine import Affine
from neurobin.ops.batch_norm import BatchNorm
from neurobin.ops.clip import Clip
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.prelu import Prelu
from neurobin.ops.quantize import Quantize
from neurobin.ops.relu import Relu
from neurobin.ops.sign import Sign
from neurobin.passes.thresholds import fold, is_monotone

numbers = st.one_of(st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 3.0]), st.floats(-4, 4, allow_subnormal=False))


def constant(*values: float) -> Constant:
    return Constant(FLOAT64, np.array(values))


def several(dtype: DType, *rows: list[float], descending: tuple[int, ...] = (0,)) -> MultiThreshold:
    """A multi-threshold on real values, one row of thresholds for all channels or one each."""
    return MultiThreshold(Constant(FLOAT64, np.array(rows)), dtype, Constant(BINARY, np.array(descending)))


SEVERAL = [
    several(BINARY, [0.0]),
    several(TERNARY, [-0.5, 0.5]),
    several(TERNARY, [-0.5, 0.5], [0.0, 0.25], descending=(0, 1)),
    several(u(2), [0.25, 0.75, 1.25]),
    several(u(2), [np.nextafter(0.0, 1.0), 0.807, 1.345]),
    several(u(2), [0.25, 0.25]),  # the highest level is left out, the one in the middle has no place
    several(DType(Encoding.BIPOLAR, 2), [-1.0, 0.0, 1.0], [-0.5, -0.25, 0.5]),
    several(DType(Encoding.BIPOLAR, 2, (3, 16)), [-1.0, 0.0, 1.0]),
    several(DType(Encoding.UNSIGNED, 2, (5, 8)), [0.25, 0.75, 1.5], descending=(1,)),
    several(DType(Encoding.UNSIGNED, 3, (5, 8, 11)), [-1.5, -1.0, 0.25, 0.5, 0.625, 1.0, 1.5]),
]


@st.composite
def chains(draw):
    """Batch norm (gamma of any sign), then up to two more monotone steps, then a quantizer; two channels."""

    def pair():
        return constant(draw(numbers), draw(numbers))

    variance = constant(draw(st.sampled_from([0.25, 1.0, 2.0])), 1.0)
    chain = [Affine(constant(abs(draw(numbers)) + 0.125)), BatchNorm(pair(), pair(), pair(), variance, 0.0)]
    steps = [Relu(), Clip(-1.0, 1.0), Prelu(constant(0.25)), Prelu(constant(0.0, 2.0)), Affine(pair(), pair())]
    chain += draw(st.lists(st.sampled_from(steps), max_size=2))
    several = draw(st.sampled_from(SEVERAL))
    return [*chain, draw(st.sampled_from([Sign(), Sign(pair()), Quantize(1), Quantize(2), Quantize(4), *[several] * 4]))]


@settings(max_examples=150, deadline=None)
@given(chain=chains(), bits=st.integers(2, 9))
def test_fold_equals_the_chain_on_every_integer(chain, bits):
    source = i(bits)
    result = chain[-1].infer(TensorType((2,), FLOAT64)).dtype
    every = np.arange(source.low, source.high + 1)[:, None].repeat(2, axis=1)
    expected = every
    for op in chain:
        expected = op.reference(expected)
    made = fold(chain, source, result, 2)
    made.infer(TensorType((2,), source))  # integer thresholds in ascending order, no more levels than the type has
    assert np.array_equal(made.reference(every), expected)


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

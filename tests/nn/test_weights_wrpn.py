"""WRPN's weights: rounding on a fixed grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.errors import UsageError
from neurobin.ir import TERNARY, DType, Encoding
from neurobin.nn.weights.wrpn import WrpnWeights
from tests.nn.quantizers import GRADIENT, WEIGHT, bound, gradient, only, value


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_values(bits: int) -> None:
    steps = 2 ** (bits - 1) - 1
    assert np.allclose(value(WrpnWeights(bits)), np.rint(steps * np.clip(WEIGHT, -1, 1)) / steps, atol=1e-15)
    quantizer, weight = bound(WrpnWeights(bits))
    term = only(quantizer.terms(weight))
    assert term.dtype == (TERNARY if bits == 2 else DType(Encoding.SIGNED, bits))
    assert term.dtype.holds(term.codes.detach().numpy().astype(int))


def test_ties_go_to_the_even_code() -> None:
    ties = np.array([[0.5, -0.5, 0.500001, -0.500001, 1.0, -1.0, 0.0]])
    assert value(WrpnWeights(2), ties).tolist() == [[0, 0, 1, -1, 1, -1, 0]]
    assert (value(WrpnWeights(3), np.array([[1 / 6, 0.5, 5 / 6]])) * 3).round(9).tolist() == [[0, 2, 2]]


def test_gradient_is_that_of_the_clip() -> None:
    assert (gradient(WrpnWeights(2)) == GRADIENT * (np.abs(WEIGHT) <= 1)).all()


def test_binding_spreads_the_weight_over_the_grid() -> None:
    weight = nn.Parameter(torch.randn(64, 64, generator=torch.Generator().manual_seed(0)) * 0.01)
    torch.manual_seed(0)
    quantizer = WrpnWeights(2).bind(weight)
    assert weight.abs().max() <= 1
    shares = [(quantizer(weight) == code).float().mean().item() for code in (-1, 0, 1)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_one_bit_is_refused() -> None:
    with pytest.raises(UsageError, match=r"2 to 8 bits here, got 1 \(try: LayerSign"):
        WrpnWeights(1)

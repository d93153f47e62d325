"""Step functions without comparisons give what comparisons give, for every kind of number and at the ends."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from neurobin.nn.steps import inside, reached, sign, within

KINDS = [torch.float64, torch.float32, torch.bfloat16]
LIMITS = [0.5, 1.0, 1.25, 1.3]


def around(*values: float, dtype: torch.dtype) -> Tensor:
    """The values with their neighbours in `dtype`, zeros of both signs, tiny and large numbers, and a grid."""
    at = torch.tensor(values, dtype=dtype)
    near = [torch.nextafter(at, torch.full_like(at, end)) for end in (-math.inf, math.inf)]
    extremes = torch.tensor([0.0, -0.0, 1e-38, -1e-38, 1e30, -1e30], dtype=dtype)
    return torch.cat([at, -at, *near, *(-n for n in near), extremes, torch.linspace(-3, 3, 601, dtype=dtype)])


@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_sign(dtype: torch.dtype) -> None:
    x = around(0.0, dtype=dtype)
    assert torch.equal(sign(x), torch.where(x >= 0, 1.0, -1.0).to(dtype))
    assert sign(torch.tensor([-0.0, 0.0])).tolist() == [1, 1]


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("limit", LIMITS)
def test_within(limit: float, dtype: torch.dtype) -> None:
    x = around(limit, dtype=dtype)
    assert torch.equal(within(torch.ones_like(x), x, limit), (x.double().abs() <= _stored(limit, dtype)).to(dtype))


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("top", [1.0, 1.614, math.inf])
def test_inside_leaves_out_its_lower_end(top: float, dtype: torch.dtype) -> None:
    x = around(0.0, min(top, 2.0), dtype=dtype)
    assert torch.equal(
        inside(torch.ones_like(x), x, 0.0, top), ((x.double() > 0) & (x.double() <= _stored(top, dtype))).to(dtype)
    )


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@given(threshold=st.floats(-4, 4, width=16))
def test_reached(dtype: torch.dtype, threshold: float) -> None:
    at = torch.tensor(threshold, dtype=dtype)
    x = around(float(at), dtype=dtype)
    assert torch.equal(reached(x, at), (x >= at).to(dtype))


def _stored(limit: float, dtype: torch.dtype) -> float:
    """The limit as the kernel has it: float32, or float64 for float64."""
    return limit if dtype == torch.float64 else float(torch.tensor(limit, dtype=torch.float32))
